February: beans are counted, poppies are weighed.

A bean can be counted and a poppy cannot. While Tobiah teaches the desk two units on a
branch, Maren limits how many packets a member may have out, in the very same lines. The
merge is a real one. Nirjala begins to test germination, with ten seeds, which is too few
(she will say so herself in May).

=== frost-0203 | 2025-02-03 04:00 +0000 | seedbot
chore(data): refresh frost dates
--- edit data/frost-dates.json
-  "pokhara": "2025-02-20",
+  "pokhara": "2025-02-18",

=== weigh-decision | 2025-02-03 12:55 -0330 | tobiah
Decision: count what is larger than a lentil, weigh the rest
--- event 007
--- session 20250203-101500.md

=== tag session-20250203-101500-start | frost-0203

=== germination | 2025-02-05 08:40 +0545 | nirjala | branch germination
Compute the germination of a test
--- write seedpost/germination.py
+"""Germination: how much of the seed still sprouts."""
+
+SOWN_AT_LEAST = 10
+
+
+def rate(sprouted, sown):
+    """Return the share of seeds that sprouted, from 0 to 1."""
+    if sown < SOWN_AT_LEAST:
+        raise ValueError(f"a test needs {SOWN_AT_LEAST} seeds, not {sown}")
+    return sprouted / sown
--- write tests/test_germination.py
+import unittest
+
+from seedpost import germination
+
+
+class RateTest(unittest.TestCase):
+    def test_half_of_the_seeds(self):
+        self.assertEqual(germination.rate(10, 20), 0.5)
+
+    def test_three_seeds_are_no_test(self):
+        with self.assertRaises(ValueError):
+            germination.rate(2, 3)
--- event 009

=== weigh-api | 2025-02-06 18:20 -0330 | tobiah | branch weigh-small-seed
Lend in seeds or in grams

A bean can be counted, a poppy cannot (evt_007).
--- edit seedpost/api.py
 from seedpost import ledger
 
+UNITS = ("seeds", "grams")
 
-def lend(path, member, code, amount, when=None):
+
+def lend(path, member, code, amount, unit="seeds", when=None):
     """Hand a packet over the desk."""
-    return _write(path, "lent", member, code, amount, when)
+    return _write(path, "lent", member, code, amount, unit, when)
 
 
-def give_back(path, member, code, amount, when=None):
+def give_back(path, member, code, amount, unit="seeds", when=None):
     """Take seed back in."""
-    return _write(path, "returned", member, code, amount, when)
+    return _write(path, "returned", member, code, amount, unit, when)
 
 
-def _write(path, kind, member, code, amount, when):
+def _write(path, kind, member, code, amount, unit, when):
     if amount <= 0:
         raise ValueError(f"an amount is more than nothing, not {amount}")
+    if unit not in UNITS:
+        raise ValueError(f"a unit is one of {', '.join(UNITS)}, not {unit}")
     entry = {
@@
         "amount": amount,
+        "unit": unit,
--- append tests/test_api.py
+
+    def test_poppies_are_weighed(self):
+        entry = api.lend(self.path, "Ida", "POPP-01", 2, "grams")
+        self.assertEqual(entry["unit"], "grams")
+
+    def test_a_handful_is_no_unit(self):
+        with self.assertRaises(ValueError):
+            api.lend(self.path, "Ida", "POPP-01", 1, "handful")
--- append docs/api.md
+
+`unit` is `seeds` for what is larger than a lentil, and `grams` for the rest.
--- event 008

=== three-packets | 2025-02-07 09:30 +0100 | maren
Decision: three packets a member
--- event 010

=== limit | 2025-02-10 14:15 +0100 | maren
Lend three packets at most to one member

One member took eleven packets in January and moved to the coast.
--- edit seedpost/api.py
 from seedpost import ledger
 
+LIMIT = 3
 
+
 def lend(path, member, code, amount, when=None):
     """Hand a packet over the desk."""
+    if packets_out(path, member) >= LIMIT:
+        raise ValueError(f"{member} has {LIMIT} packets out already")
     return _write(path, "lent", member, code, amount, when)
 
 
 def give_back(path, member, code, amount, when=None):
     """Take seed back in."""
     return _write(path, "returned", member, code, amount, when)
+
+
+def packets_out(path, member):
+    """Count the packets that a member has not brought back."""
+    kinds = [entry["kind"] for entry in ledger.read(path) if entry["member"] == member]
+    return kinds.count("lent") - kinds.count("returned")
--- append tests/test_api.py
+
+    def test_a_fourth_packet_waits(self):
+        for code in ("BEAN-01", "BEAN-02", "KALE-01"):
+            api.lend(self.path, "Ida", code, 5)
+        with self.assertRaises(ValueError):
+            api.lend(self.path, "Ida", "TOMA-01", 5)
--- append docs/api.md
+
+A member has three packets out at most; the fourth raises `ValueError`.

=== germination-docs | 2025-02-11 07:35 +0545 | nirjala | branch germination
Describe the test on damp paper
--- write docs/germination.md
+# Does it still sprout?
+
+1. Lay ten seeds on damp paper, fold it, put it in a jar.
+2. Keep the jar where the bread rises.
+3. Count after ten days. `germination.rate(sprouted, sown)` gives the share.

=== shelf | 2025-02-12 11:48 -0330 | tobiah
Rename store to shelf

"Store" made two visitors ask for the till.
--- move seedpost/store.py -> seedpost/shelf.py
--- move tests/test_store.py -> tests/test_shelf.py
--- edit tests/test_shelf.py
-from seedpost import store
+from seedpost import shelf
@@
-        self.assertEqual(store.amounts({"BEAN-01": 100}, [LENT]), {"BEAN-01": 80})
+        self.assertEqual(shelf.amounts({"BEAN-01": 100}, [LENT]), {"BEAN-01": 80})
@@
-        self.assertEqual(store.amounts({"BEAN-01": 100}, [LENT, BACK]), {"BEAN-01": 140})
+        self.assertEqual(shelf.amounts({"BEAN-01": 100}, [LENT, BACK]), {"BEAN-01": 140})

=== two-languages | 2025-02-13 16:05 +0100 | oydis
Decision: labels in two languages
--- event 011

=== merge-germination | 2025-02-14 09:10 +0100 | maren | merge germination
Merge branch 'germination'

=== frost-0217 | 2025-02-17 04:00 +0000 | seedbot
chore(data): refresh frost dates
--- edit data/frost-dates.json
-  "st-johns": "2025-06-07"
+  "st-johns": "2025-06-04"

=== weigh-shelf | 2025-02-18 17:32 -0330 | tobiah | branch weigh-small-seed
Weigh poppies in the catalogue, too
--- edit seedpost/catalogue.py
     crop: str
+    unit: str = "seeds"
@@
-    """Read the catalogue, a CSV with the columns code, name and crop."""
+    """Read the catalogue, a CSV with the columns code, name, crop and unit."""
--- write data/varieties.csv
+code,name,crop,unit
+BEAN-01,Millrace Runner,bean,seeds
+BEAN-02,Trout Grandfather,bean,seeds
+KALE-01,Fogbank,kale,grams
+LENT-01,Kali Terrace,lentil,seeds
+POPP-01,Ferryman's Poppy,poppy,grams
+TOMA-01,Salt Pan,tomato,seeds

=== paper-note | 2025-02-18 19:50 +0545 | nirjala
Note: paper, jars, and a table for results
--- session 20250218-173000.md

=== tag session-20250218-173000-start | frost-0217

=== mailmap | 2025-02-19 10:02 -0330 | tobiah
One human, one line in the shortlog
--- write .mailmap
+Maren Oduya-Holt <maren@seedpost.example> <maren@kitchen-laptop.local>
+Maren Oduya-Holt <maren@seedpost.example> <m.holt@oldmill.example>
+Tobiah Lisk <tobiah@seedpost.example> <tobiah.lisk@harbourmail.example>
+Cal Brindabel <cal@seedpost.example> <cbrindabel@portschool.example>

=== label-picture | 2025-02-20 11:15 +0100 | oydis
Show what a label looks like
--- picture docs/label.png
+999999999999999999999999
+900000000000000000000009
+900000000030000000000009
+900000000353000000000009
+900000003565300000000009
+900000035686530000000009
+900000003565300000000009
+900000000353000000000009
+900000000060000000000009
+900000000600000000000009
+900000006000000000000009
+900000000000000000000009
+907777707770077777077009
+900000000000000000000009
+905555055505550555055509
+999999999999999999999999
--- append README.md
+
+![A label: a seed above two lines of text](docs/label.png)
--- event 012

=== merge-weigh | 2025-02-21 10:05 +0100 | maren-mill | merge weigh-small-seed
Merge branch 'weigh-small-seed'

Conflict in seedpost/api.py and its tests and docs: Tobiah's units and
my limit change the same lines. Both stay: the limit counts packets,
whatever is in them.
--- write seedpost/api.py
+"""The desk: what a volunteer can do."""
+
+from datetime import datetime
+
+from seedpost import ledger
+
+LIMIT = 3
+UNITS = ("seeds", "grams")
+
+
+def lend(path, member, code, amount, unit="seeds", when=None):
+    """Hand a packet over the desk."""
+    if packets_out(path, member) >= LIMIT:
+        raise ValueError(f"{member} has {LIMIT} packets out already")
+    return _write(path, "lent", member, code, amount, unit, when)
+
+
+def give_back(path, member, code, amount, unit="seeds", when=None):
+    """Take seed back in."""
+    return _write(path, "returned", member, code, amount, unit, when)
+
+
+def packets_out(path, member):
+    """Count the packets that a member has not brought back."""
+    kinds = [entry["kind"] for entry in ledger.read(path) if entry["member"] == member]
+    return kinds.count("lent") - kinds.count("returned")
+
+
+def _write(path, kind, member, code, amount, unit, when):
+    if amount <= 0:
+        raise ValueError(f"an amount is more than nothing, not {amount}")
+    if unit not in UNITS:
+        raise ValueError(f"a unit is one of {', '.join(UNITS)}, not {unit}")
+    entry = {
+        "kind": kind,
+        "member": member,
+        "code": code,
+        "amount": amount,
+        "unit": unit,
+        "when": (when or datetime.now().astimezone()).isoformat(timespec="seconds"),
+    }
+    ledger.append(path, entry)
+    return entry
--- append tests/test_api.py
+
+    def test_poppies_are_weighed(self):
+        entry = api.lend(self.path, "Ida", "POPP-01", 2, "grams")
+        self.assertEqual(entry["unit"], "grams")
+
+    def test_a_handful_is_no_unit(self):
+        with self.assertRaises(ValueError):
+            api.lend(self.path, "Ida", "POPP-01", 1, "handful")
--- append docs/api.md
+
+`unit` is `seeds` for what is larger than a lentil, and `grams` for the rest.

=== garden-guide | 2025-02-24 20:10 +0100 | oydis
A page for the people with earth on their hands

In German, as three of our five gardeners at the mill read nothing else
in spring.
--- write docs/für-gärtnerinnen.md
+# Für Gärtnerinnen
+
+Im Frühling ein Tütchen holen, im Herbst Saat zurückbringen. Bohnen werden gezählt,
+Mohn wird gewogen. Wer drei Tütchen zu Hause hat, bringt erst eines zurück.

=== labels-decision | 2025-02-24 21:30 +0100 | oydis
Decision: labels get a file of their own
--- event 013
--- session 20250224-183000.md

=== tag session-20250224-183000-start | merge-weigh

=== kale | 2025-02-26 21:12 +1030 | cal
Observation: kale seed keeps ten years
--- event 014

=== second-reader | 2025-02-27 09:20 +0545 | nirjala
Pattern: a second person reads new rows of the catalogue
--- event 015

=== backup | 2025-02-27 08:15 -0330 | tobiah | committed 2025-02-27 17:40 +0100 by maren
Copy the ledger away every night

Sent by mail, as the harbour was without a line for two days.
--- script bin/backup.sh
+#!/bin/sh
+# Copy the ledger to a dated file beside it; keep the last thirty.
+set -eu
+ledger="${1:?usage: backup.sh LEDGER}"
+cp "$ledger" "$ledger.$(date -u +%Y-%m-%d)"
+ls -1t "$ledger".* | tail -n +31 | while read -r old; do rm "$old"; done

=== not-ten-years | 2025-02-28 08:30 +0545 | nirjala | revert kale
Nobody ever tested this. Our oldest kale is from 2021, and 4 of 10 came
up. Let us write down what we saw, not what the neighbour said.
