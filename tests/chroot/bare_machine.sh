#!/usr/bin/env bash
# A newcomer's machine: Debian 12 with nothing but bash, a fresh clone of HEAD, both README commands.
#
#   sudo tests/chroot/bare_machine.sh            a few minutes; exit 0 when all of it held
#   PATINA_CHROOT_KEEP=1 …                       leaves the system in place and says where
#   PATINA_CHROOT_SUITE=trixie …                 another release
#
# Only a fresh machine shows what a launcher forgot. Needs root and debootstrap. Where packages,
# certificates and wheels come from is asked of the host when it runs: this file names no place.
# shellcheck disable=SC2016 # what is in single quotes is for the shell inside
set -euo pipefail

here=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
suite=${PATINA_CHROOT_SUITE:-bookworm}
mounted=()
failures=0

die() { # die CODE SENTENCE
  printf 'bare_machine: %s\n' "$2" >&2
  exit "$1"
}

[ "$EUID" -eq 0 ] || die 3 'a chroot needs root; run it with sudo.'
if ! command -v debootstrap >/dev/null; then
  command -v apt-get >/dev/null || die 3 'debootstrap is missing, and there is no apt-get to install it with.'
  export DEBIAN_FRONTEND=noninteractive
  { apt-get install -yq --no-install-recommends debootstrap ||
    { apt-get -q update && apt-get install -yq --no-install-recommends debootstrap; }; } \
    </dev/null >/dev/null 2>&1 || die 3 'debootstrap is missing; install it with `apt-get install debootstrap`.'
fi

top=$(mktemp -d "${TMPDIR:-/tmp}/patina-bare.XXXXXX")
root="$top/system"

cleanup() {
  local i
  set +e
  for ((i = ${#mounted[@]} - 1; i >= 0; i--)); do
    umount "${mounted[$i]}" 2>/dev/null || umount -l "${mounted[$i]}"
  done
  # A mount that stayed would let rm walk into the host.
  if grep -qF " $top/" /proc/mounts; then
    printf 'bare_machine: still mounted below %s; nothing was removed.\n' "$top" >&2
  elif [ "${PATINA_CHROOT_KEEP:-0}" = 1 ]; then
    printf 'kept: %s\n' "$root"
  else
    rm -rf --one-file-system "$top"
  fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

mount_at() { # mount_at TARGET MOUNT-ARGUMENTS…
  mount "${@:2}" "$1"
  mounted+=("$1")
}

# ── the host's ways to packages ─────────────────────────────────────────────────────────────────
mirror=${PATINA_CHROOT_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | head -n 1)}
[ -n "$mirror" ] || die 3 'apt knows no repository here; set PATINA_CHROOT_MIRROR to one.'

pass=() # what a user of this machine has in the environment to reach its packages
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY \
  PIP_INDEX_URL PIP_EXTRA_INDEX_URL \
  PIP_FIND_LINKS PIP_TRUSTED_HOST PIP_DEFAULT_TIMEOUT UV_DEFAULT_INDEX; do
  if [ -n "${!name:-}" ]; then pass+=("$name=${!name}"); fi
done

certificates=0
pass_certificate() { # pass_certificate VARIABLE FILE
  # Under a name of its own: Debian's bundle is written anew when ca-certificates comes in.
  certificates=$((certificates + 1))
  pass+=("$1=/etc/host-certificates/$certificates.pem")
  mkdir -p "$top/certificates"
  cat "$2" >"$top/certificates/$certificates.pem"
}
for name in SSL_CERT_FILE PIP_CERT REQUESTS_CA_BUNDLE CURL_CA_BUNDLE; do
  if [ -f "${!name:-}" ]; then pass_certificate "$name" "${!name}"; fi
done

# An index keeps its files beside its `simple` folder, so the folder above is taken.
named_paths() { # absolute paths that exist among pip's settings and the variables above
  {
    if command -v python3 >/dev/null; then python3 -m pip config list 2>/dev/null || true; fi
    printf '%s\n' ${pass[@]+"${pass[@]}"}
  } | tr " '\",=" '\n' | sed -n 's#^file://##; s#\(/.*\)/simple/*$#\1#; /^\//p' | sort -u | while IFS= read -r path; do
    if [ -e "$path" ]; then printf '%s\n' "$path"; fi
  done
}

printf '== debootstrap %s\n' "$suite"
started=$SECONDS
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$top/debootstrap.log" 2>&1 || {
  tail -n 5 "$top/debootstrap.log" >&2
  die 1 "debootstrap failed with $suite; its last lines are above."
}
printf '   %d s\n' $((SECONDS - started))

if [ -d "$top/certificates" ]; then cp -r "$top/certificates" "$root/etc/host-certificates"; fi
cp -L /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
mount_at "$root/proc" -t proc proc
mkdir -p "$root/dev/shm"
mount_at "$root/dev/shm" -t tmpfs tmpfs
for place in sources.list sources.list.d trusted.gpg trusted.gpg.d keyrings auth.conf auth.conf.d; do
  if [ -e "/etc/apt/$place" ]; then cp -rL "/etc/apt/$place" "$root/etc/apt/"; fi
done
if [ -d /usr/share/keyrings ]; then cp -rL /usr/share/keyrings "$root/usr/share/"; fi
# Of apt's settings only how it fetches: the host's hooks name programs that are not in there.
apt-config dump 2>/dev/null | grep '^Acquire::' >"$root/etc/apt/apt.conf.d/90host" || true
for file in "$HOME/.pip/pip.conf" "${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf" "${PIP_CONFIG_FILE:-}"; do
  if [ -f "$file" ]; then
    mkdir -p "$root/root/.config/pip"
    cat "$file" >"$root/root/.config/pip/pip.conf"
  fi
done
if [ -f /etc/pip.conf ]; then cat /etc/pip.conf >"$root/etc/pip.conf"; fi
named_paths >"$top/paths"
while IFS= read -r path; do
  [ ! -e "$root$path" ] || continue
  if [ -d "$path" ]; then
    mkdir -p "$root$path"
    mount_at "$root$path" --bind -o ro "$path"
  else
    mkdir -p "$root$(dirname -- "$path")"
    cat "$path" >"$root$path"
  fi
done <"$top/paths"

clone='/root/my work/patina lab' # with spaces, as people have them
git clone -q "$here" "$root$clone"
printf '== %s: %s\n' "$(git -C "$here" rev-parse --short HEAD)" "$(sed -n 's/^PRETTY_NAME=//p' "$root/etc/os-release")"

# ── the newcomer ────────────────────────────────────────────────────────────────────────────────
inside() { # inside COMMAND: in the clone, with an empty environment and no stdin
  chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb ${pass[@]+"${pass[@]}"} \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    bash -c "cd '$clone' && $1" </dev/null
}

now() { date +%s%N; }

expect() { # expect CODE TITLE COMMAND: run it, time it, keep what it printed in $top/out
  local code=0 from
  printf '== %s\n' "$2"
  from=$(now)
  inside "$3" >"$top/out" 2>&1 || code=$?
  took=$((($(now) - from) / 1000000))
  sed 's/^/   | /' "$top/out" | tail -n "${LINES_SHOWN:-12}"
  printf '   exit %d, %d.%03d s\n' "$code" $((took / 1000)) $((took % 1000))
  if [ "$code" -ne "$1" ]; then fail "exit $code where $1 was due"; fi
}

fail() {
  printf '   FAILED: %s\n' "$1"
  failures=$((failures + 1))
}

says() { grep -q -- "$1" "$top/out" || fail "it does not say: $1"; }

for tool in git python3 swipl cc make curl uv sudo; do
  if [ -n "$(inside "command -v $tool" || true)" ]; then fail "$tool is here: this machine is not bare"; fi
done

expect 3 'system packages forbidden: one sentence' 'PATINA_NO_SYSTEM=1 ./run demo'
says 'apt-get install -y python3'
[ "$(wc -l <"$top/out")" -eq 1 ] || fail 'more than one line'
expect 3 'doctor, before anything' './run doctor'
says MISSING
expect 0 './run demo, cold' './run demo'
says '\.html'
expect 0 './run demo, again' './run demo'
LINES_SHOWN=40 expect 0 './run test' './run test'
says '[0-9] passed'
expect 0 './run setup, nothing to do' './run setup'
[ "$took" -lt 1000 ] || fail 'the second set-up takes over a second'
LINES_SHOWN=40 expect 0 'doctor, after' './run doctor'
expect 0 'nothing is left in the clone' 'test -z "$(git status --porcelain)"'
expect 0 'uv, when it comes' 'python3 -m venv /uv && /uv/bin/pip install -q uv && rm -rf .venv'
expect 0 './run setup with uv, cold' 'PATH="/uv/bin:$PATH" ./run setup'
says 'with uv'
expect 0 './run setup with uv, warm' 'rm -rf .venv && PATH="/uv/bin:$PATH" ./run setup'
expect 0 'nothing of uv is left in the clone' 'test -z "$(git status --porcelain)"'

if [ "$failures" -ne 0 ]; then die 1 "$failures expectations did not hold."; fi
printf 'bare_machine: all held.\n'
