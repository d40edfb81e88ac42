January: one shelf in an old mill.

Maren starts a seed library: in spring you borrow a packet, in autumn you bring seed back.
Four sister libraries want to share the tool, so from the first weeks on the people write
from four time zones: Old Mill (Maren, Øydis), St John's (Tobiah), Pokhara (Nirjala) and
Port Adelaide (Cal, on the school's computer at first).

=== start | 2025-01-06 09:12 +0100 | maren-kitchen
Start the seed library with a catalogue

Forty-one jam jars and one notebook with coffee on it. The notebook
is typed up here as far as the coffee allows.

--- write README.md
+# Seedpost
+
+The desk of a seed library. In spring you borrow a packet, in autumn you bring seed back.
+
+    python -m unittest        # run the tests
+
+- `seedpost/` the code
+- `data/varieties.csv` what we keep
+- `layer/sessions/` what we thought while working
--- write pyproject.toml
+[project]
+name = "seedpost"
+version = "0.1.0"
+description = "The desk of a seed library"
+requires-python = ">=3.9"
--- write .gitignore
+__pycache__/
+.patina/local/
+*.db
--- write seedpost/__init__.py
+"""The desk of a seed library."""
--- write seedpost/catalogue.py
+"""The catalogue: which varieties the library keeps."""
+
+import csv
+from dataclasses import dataclass
+from pathlib import Path
+
+
+@dataclass(frozen=True)
+class Variety:
+    """One kind of seed."""
+
+    code: str
+    name: str
+    crop: str
+
+
+def load(path):
+    """Read the catalogue, a CSV with the columns code, name and crop."""
+    with Path(path).open(encoding="utf-8", newline="") as rows:
+        return [Variety(**row) for row in csv.DictReader(rows)]
+
+
+def find(varieties, code):
+    """Return the variety with that code, or None."""
+    return next((v for v in varieties if v.code == code), None)
--- write data/varieties.csv
+code,name,crop
+BEAN-01,Millrace Runner,bean
+BEAN-02,Trout Grandfather,bean
+KALE-01,Fogbank,kale
+LENT-01,Kali Terrace,lentill
+POPP-01,Ferryman's Poppy,poppy
+TOMA-01,Salt Pan,tomato
--- write tests/__init__.py
--- write tests/test_catalogue.py
+import unittest
+
+from seedpost import catalogue
+
+
+class CatalogueTest(unittest.TestCase):
+    def test_a_code_finds_its_variety(self):
+        varieties = catalogue.load("data/varieties.csv")
+        self.assertEqual(catalogue.find(varieties, "KALE-01").name, "Fogbank")
+
+    def test_an_unknown_code_finds_nothing(self):
+        self.assertIsNone(catalogue.find([], "KALE-99"))
--- session 20250106-075500-init.md

=== patina | 2025-01-06 16:40 +0100 | maren-kitchen
Keep what we learn beside the code

One file an event, reviewed like code. The number in the name is taken
when somebody opens a proposal; a proposal that is not accepted leaves a gap.

--- write .patina/shared/schema.version
+1
--- write .patina/shared/domains.manifest
+{"domains": ["python", "seed-saving"]}
--- event 001
--- append README.md
+- `.patina/shared/events/` what we agreed on

=== first-evening | 2025-01-08 09:05 +0100 | maren
Write down the first evening
--- session 20250107-first-evening.md

=== ledger | 2025-01-10 10:20 +0100 | maren
Add the ledger: one line for each loan, never changed

The notebook's worst pages are those where a number was crossed out.
--- write seedpost/ledger.py
+"""The ledger: what was lent and what came back, one line each."""
+
+import json
+from pathlib import Path
+
+
+def append(path, entry):
+    """Add one entry at the end; nothing that stands there is touched."""
+    with Path(path).open("a", encoding="utf-8") as ledger:
+        ledger.write(json.dumps(entry, sort_keys=True, ensure_ascii=False) + "\n")
+
+
+def read(path):
+    """Return all entries, oldest first."""
+    if not Path(path).exists():
+        return []
+    with Path(path).open(encoding="utf-8") as ledger:
+        return [json.loads(line) for line in ledger]
--- write tests/test_ledger.py
+import tempfile
+import unittest
+from pathlib import Path
+
+from seedpost import ledger
+
+
+class LedgerTest(unittest.TestCase):
+    def setUp(self):
+        folder = tempfile.TemporaryDirectory()
+        self.addCleanup(folder.cleanup)
+        self.path = Path(folder.name) / "ledger.jsonl"
+
+    def test_no_ledger_has_no_entries(self):
+        self.assertEqual(ledger.read(self.path), [])
+
+    def test_entries_come_back_in_order(self):
+        for code in ("BEAN-02", "BEAN-01"):
+            ledger.append(self.path, {"code": code})
+        self.assertEqual([e["code"] for e in ledger.read(self.path)], ["BEAN-02", "BEAN-01"])

=== ledger-note | 2025-01-10 12:10 +0100 | maren
Note: the ledger morning
--- session 20250110-093000.md

=== store | 2025-01-13 14:05 -0330 | tobiah
Fold the ledger into what is on the shelf

We never store the amount on the shelf. It is what we began with, less
what went out, plus what came back.
--- write seedpost/store.py
+"""What is on the shelf, told by the ledger."""
+
+
+def amounts(opening, entries):
+    """Return the amount of each variety: what we began with, less loans, plus returns."""
+    shelf = dict(opening)
+    for entry in entries:
+        sign = -1 if entry["kind"] == "lent" else 1
+        shelf[entry["code"]] = shelf.get(entry["code"], 0) + sign * entry["amount"]
+    return shelf
--- write tests/test_store.py
+import unittest
+
+from seedpost import store
+
+LENT = {"kind": "lent", "code": "BEAN-01", "amount": 20}
+BACK = {"kind": "returned", "code": "BEAN-01", "amount": 60}
+
+
+class AmountsTest(unittest.TestCase):
+    def test_a_loan_leaves_the_shelf(self):
+        self.assertEqual(store.amounts({"BEAN-01": 100}, [LENT]), {"BEAN-01": 80})
+
+    def test_a_return_comes_back_to_it(self):
+        self.assertEqual(store.amounts({"BEAN-01": 100}, [LENT, BACK]), {"BEAN-01": 140})

=== api | 2025-01-14 11:30 +0100 | maren
Add the desk: lend and give back
--- write seedpost/api.py
+"""The desk: what a volunteer can do."""
+
+from datetime import date
+
+from seedpost import ledger
+
+
+def lend(path, member, code, amount, day=None):
+    """Hand a packet over the desk."""
+    return _write(path, "lent", member, code, amount, day)
+
+
+def give_back(path, member, code, amount, day=None):
+    """Take seed back in."""
+    return _write(path, "returned", member, code, amount, day)
+
+
+def _write(path, kind, member, code, amount, day):
+    entry = {
+        "kind": kind,
+        "member": member,
+        "code": code,
+        "amount": amount,
+        "day": str(day or date.today()),
+    }
+    ledger.append(path, entry)
+    return entry
--- write tests/test_api.py
+import tempfile
+import unittest
+from pathlib import Path
+
+from seedpost import api, ledger
+
+
+class DeskTest(unittest.TestCase):
+    def setUp(self):
+        folder = tempfile.TemporaryDirectory()
+        self.addCleanup(folder.cleanup)
+        self.path = Path(folder.name) / "ledger.jsonl"
+
+    def test_a_loan_is_one_line(self):
+        entry = api.lend(self.path, "Ida", "BEAN-01", 20)
+        self.assertEqual(ledger.read(self.path), [entry])
+
+    def test_a_return_is_another(self):
+        api.lend(self.path, "Ida", "BEAN-01", 20)
+        api.give_back(self.path, "Ida", "BEAN-01", 60)
+        self.assertEqual([e["kind"] for e in ledger.read(self.path)], ["lent", "returned"])
--- write docs/api.md
+# The desk
+
+`lend(path, member, code, amount)` hands a packet over.
+`give_back(path, member, code, amount)` takes seed back in.
+
+Both write one line to the ledger and return it.

=== lentil | 2025-01-15 08:02 +0545 | nirjala
A lentil has one l at the end
--- edit data/varieties.csv
-LENT-01,Kali Terrace,lentill
+LENT-01,Kali Terrace,lentil

=== dates-note | 2025-01-16 18:20 +0545 | nirjala
Note: whose Thursday?
--- session 20250116-104500.md

=== validate | 2025-01-16 15:10 +0100 | maren
Refuse a loan of nothing

Øydis lent minus three beans yesterday, and the shelf grew.
--- edit seedpost/api.py
 def _write(path, kind, member, code, amount, day):
+    if amount <= 0:
+        raise ValueError(f"an amount is more than nothing, not {amount}")
     entry = {
--- append tests/test_api.py
+
+    def test_a_wrong_amount_never_reaches_the_ledger(self):
+        with self.assertRaises(ValueError):
+            api.lend(self.path, "Ida", "BEAN-01", -3)
+        self.assertEqual(ledger.read(self.path), [])
--- append docs/api.md
+
+An amount is more than nothing. A wrong one raises `ValueError`, and nothing is written.
--- event 002

=== frost | 2025-01-17 20:30 +0545 | nirjala
Add the last frost dates of the four gardens
--- write data/frost-dates.json
+{
+  "old-mill": "2025-05-12",
+  "pokhara": "2025-02-20",
+  "port-adelaide": "2025-09-01",
+  "st-johns": "2025-06-05"
+}

=== two-volunteers | 2025-01-17 15:48 -0330 | tobiah
Observation: two volunteers, one packet
--- event 003

=== frost-0120 | 2025-01-20 04:00 +0000 | seedbot
chore(data): refresh frost dates
--- edit data/frost-dates.json
-  "old-mill": "2025-05-12",
+  "old-mill": "2025-05-11",

=== web | 2025-01-21 19:45 +1030 | cal-school
Show the shelf on the school's web page
--- write web/shelf.js
+// Draws the shelf as a list, one line a variety.
+export function lines(shelf) {
+  return Object.entries(shelf)
+    .sort(([a], [b]) => a.localeCompare(b))
+    .map(([code, amount]) => `${code}: ${amount}`);
+}
+
+export function draw(shelf, list) {
+  list.replaceChildren(
+    ...lines(shelf).map((line) => {
+      const item = document.createElement("li");
+      item.textContent = line;
+      return item;
+    }),
+  );
+}
--- write web/index.html
+<!doctype html>
+<meta charset="utf-8">
+<title>On the shelf</title>
+<ul id="shelf"></ul>
+<script type="module">
+  import { draw } from "./shelf.js";
+  const answer = await fetch("shelf.json");
+  draw(await answer.json(), document.querySelector("#shelf"));
+</script>

=== offset-decision | 2025-01-22 21:15 +0545 | nirjala
Decision: every date carries its offset
--- event 004

=== offset-api | 2025-01-24 07:50 +0545 | nirjala | branch dates-with-offset
Write the instant of a loan, not a bare day

A loan on Friday evening in St John's is on Saturday in Pokhara. The
desk now writes the local time with its offset (evt_004).
--- edit seedpost/api.py
-from datetime import date
+from datetime import datetime
@@
-def lend(path, member, code, amount, day=None):
+def lend(path, member, code, amount, when=None):
@@
-    return _write(path, "lent", member, code, amount, day)
+    return _write(path, "lent", member, code, amount, when)
@@
-def give_back(path, member, code, amount, day=None):
+def give_back(path, member, code, amount, when=None):
@@
-    return _write(path, "returned", member, code, amount, day)
+    return _write(path, "returned", member, code, amount, when)
@@
-def _write(path, kind, member, code, amount, day):
+def _write(path, kind, member, code, amount, when):
@@
-        "day": str(day or date.today()),
+        "when": (when or datetime.now().astimezone()).isoformat(timespec="seconds"),
--- append tests/test_api.py
+
+    def test_a_loan_knows_its_offset(self):
+        entry = api.lend(self.path, "Ida", "BEAN-01", 20)
+        self.assertRegex(entry["when"], r"[+-]\d\d:\d\d$")
--- append docs/api.md
+
+`when` is the local time with its offset, such as `2025-01-24T07:50:00+05:45`. Without one
+the desk takes the time of its own clock.

=== frost-0127 | 2025-01-27 04:00 +0000 | seedbot
chore(data): refresh frost dates
--- edit data/frost-dates.json
-  "st-johns": "2025-06-05"
+  "st-johns": "2025-06-07"

=== readme | 2025-01-27 13:22 +0100 | oydis
Say in the README who we are
--- append README.md
+
+Four libraries share this desk: Old Mill, St John's, Pokhara and Port Adelaide. Each keeps
+its own ledger and its own shelf; the code, the catalogue and what we learn are common.

=== offset-ledger | 2025-01-27 22:05 +0545 | nirjala | branch dates-with-offset
Let the ledger refuse a time without offset
--- edit seedpost/ledger.py
 import json
+from datetime import datetime
 from pathlib import Path
@@
 def append(path, entry):
-    """Add one entry at the end; nothing that stands there is touched."""
+    """Add one entry at the end; nothing that stands there is touched.
+
+    Its time needs an offset: four libraries write, in four time zones.
+    """
+    if datetime.fromisoformat(entry["when"]).utcoffset() is None:
+        raise ValueError(f"{entry['when']} has no offset, such as +05:45")
     with Path(path).open("a", encoding="utf-8") as ledger:
--- edit tests/test_ledger.py
+WHEN = "2025-01-27T22:05:00+05:45"
+
+
 class LedgerTest(unittest.TestCase):
@@
         for code in ("BEAN-02", "BEAN-01"):
-            ledger.append(self.path, {"code": code})
+            ledger.append(self.path, {"code": code, "when": WHEN})
         self.assertEqual([e["code"] for e in ledger.read(self.path)], ["BEAN-02", "BEAN-01"])
+
+    def test_a_time_without_offset_is_refused(self):
+        with self.assertRaises(ValueError):
+            ledger.append(self.path, {"code": "BEAN-01", "when": "2025-01-27T22:05:00"})
--- event 005

=== merge-offset | 2025-01-29 10:40 +0100 | maren | merge dates-with-offset
Merge branch 'dates-with-offset'

Reviewed on the phone with Nirjala; the ledgers of December were
converted by hand, all eleven lines.

=== january | 2025-01-31 16:30 +0100 | maren
Sum up January
--- session session_summary_january.md

=== tag v0.1.0 | january | 2025-01-31 17:00 +0100 | maren
The first evening at a real desk

Lend, give back, and a shelf that is told by its ledger.
