May: what nobody asked for, and what everybody did.

Maren wants SQLite, tries it on a branch for an evening, and never comes back to it. A note
typed on a telephone breaks off in the middle of a word. The waiting list is decided, built,
and adds seed to the shelf that nobody brought, until it is mended. Nirjala takes back what
she said in February.

=== pages | 2025-05-02 15:45 +0200 | oydis
Name the function on every page

As decided in evt_042 (the one on pages).
--- write docs/labels.md
+<!-- SPDX-License-Identifier: MIT -->
+
+# Labels
+
+`labels.label(variety, amount)` returns three lines: the name, cut at a word, the crop, and
+the amount with its unit.
--- edit docs/germination.md
+`germination.rate(sprouted, sown)` · `germination.weak(share)`
+
 1. Lay ten seeds on damp paper, fold it, put it in a jar.
--- write docs/seasons.md
+<!-- SPDX-License-Identifier: MIT -->
+
+# Seasons
+
+`seasons.due(when, hemisphere)` returns the first due day that is not before `when`.

=== sqlite-note | 2025-05-05 11:05 +0200 | maren
Note: a ledger in SQLite?
--- session 20250505-083000.md

=== tag session-20250505-083000-start | pages

=== sqlite | 2025-05-05 21:50 +0200 | maren | branch sqlite-ledger
Try the ledger in SQLite
--- write seedpost/sqlite_ledger.py
+# SPDX-License-Identifier: MIT
+"""The ledger again, in SQLite; an experiment."""
+
+import json
+import sqlite3
+
+
+def append(path, entry):
+    """Add one entry."""
+    with sqlite3.connect(path) as db:
+        db.execute("create table if not exists ledger (entry text)")
+        db.execute("insert into ledger values (?)", [json.dumps(entry, sort_keys=True)])

=== sqlite-read | 2025-05-06 00:20 +0200 | maren | branch sqlite-ledger
Read it back

Works. But nobody at the mill could open it with an editor and see.
--- append seedpost/sqlite_ledger.py
+
+
+def read(path):
+    """Return all entries, oldest first."""
+    with sqlite3.connect(path) as db:
+        return [json.loads(e) for (e,) in db.execute("select entry from ledger order by rowid")]

=== telephone | 2025-05-09 19:30 -0230 | tobiah-phone
observation from the boat
--- write .patina/shared/events/2025-05-09-044-observation-captured.json
+{
+  "event_id": "evt_044",
+  "event_type": "observation_captured",
+  "timestamp": "2025-05-09T22:00:00Z",
+  "author": "Tobiah Lisk",
+  "sequence": 44,
+  "payload": {
+    "content": "Packets that travel by boat need a second envel

=== frost-0512 | 2025-05-12 04:00 +0000 | seedbot
chore(data): refresh frost dates
--- edit data/frost-dates.json
-  "old-mill": "2025-05-13",
+  "old-mill": "2025-05-08",

=== inventory-note | 2025-05-12 12:10 -0230 | tobiah
Decision: the shelf becomes the inventory
--- event 046
--- session 20250512-100000.md

=== tag session-20250512-100000-start | frost-0512

=== inventory | 2025-05-14 14:20 -0230 | tobiah
Rename shelf to inventory

There are two shelves at the mill now and a fridge (evt_046).
--- move seedpost/shelf.py -> seedpost/inventory.py
--- move tests/test_shelf.py -> tests/test_inventory.py
--- edit seedpost/inventory.py
-"""What is on the shelf, told by the ledger."""
+"""What a library has, told by its ledger."""
--- edit tests/test_inventory.py
-from seedpost import shelf
+from seedpost import inventory
@@
-        self.assertEqual(shelf.amounts({"BEAN-01": 100}, [LENT]), {"BEAN-01": 80})
+        self.assertEqual(inventory.amounts({"BEAN-01": 100}, [LENT]), {"BEAN-01": 80})
@@
-        self.assertEqual(shelf.amounts({"BEAN-01": 100}, [LENT, BACK]), {"BEAN-01": 140})
+        self.assertEqual(inventory.amounts({"BEAN-01": 100}, [LENT, BACK]), {"BEAN-01": 140})

=== twenty | 2025-05-15 08:25 +0545 | nirjala
Observation: twenty seeds, not ten

This takes back evt_009.
--- event 045

=== twenty-code | 2025-05-16 18:00 +0545 | nirjala
Sow twenty seeds for a test
--- edit seedpost/germination.py
-SOWN_AT_LEAST = 10
+SOWN_AT_LEAST = 20
--- edit docs/germination.md
-1. Lay ten seeds on damp paper, fold it, put it in a jar.
+1. Lay twenty seeds on damp paper, fold it, put it in a jar.

=== waiting-note | 2025-05-19 20:15 +0545 | nirjala
Decision: a waiting list, first come, first served
--- event 048
--- session 20250519-181500.md

=== tag session-20250519-181500-start | twenty-code

=== hold | 2025-05-21 19:45 +0545 | nirjala
Hold the next packet for a member who waits

First come, first served (evt_048).
--- edit seedpost/api.py
+def hold(path, member, code, when=None):
+    """Keep the next packet of a variety for a member."""
+    return _write(path, "held", member, code, 1, "seeds", when)
+
+
 def packets_out(path, member):
--- append tests/test_api.py
+
+    def test_a_held_packet_is_not_out(self):
+        api.hold(self.path, "Ida", "TOMA-01")
+        self.assertEqual(api.packets_out(self.path, "Ida"), 0)
--- append docs/api.md
+
+`hold(path, member, code)` keeps the next packet for a member who waits. A held packet does
+not count as one that is out.

=== checked-first | 2025-05-23 10:10 +0200 | maren
Belief: we check an amount before we write it
--- event 047

=== frost-0526 | 2025-05-26 04:00 +0000 | seedbot
chore(data): refresh frost dates
--- edit data/frost-dates.json
-  "st-johns": "2025-06-03"
+  "st-johns": "2025-06-08"

=== hold-shelf | 2025-05-26 09:35 -0230 | tobiah
A held packet adds nothing to the inventory

Whatever was not lent counted as returned. Eleven tomatoes that do not
exist were on the web page over the weekend.
--- edit seedpost/inventory.py
+SIGN = {"lent": -1, "returned": 1}  # other kinds of entry move no seed
+
+
 def amounts(opening, entries):
@@
-        sign = -1 if entry["kind"] == "lent" else 1
-        shelf[entry["code"]] = shelf.get(entry["code"], 0) + sign * entry["amount"]
+        moved = SIGN.get(entry["kind"], 0) * entry["amount"]
+        shelf[entry["code"]] = shelf.get(entry["code"], 0) + moved
--- append tests/test_inventory.py
+
+    def test_a_held_packet_moves_nothing(self):
+        held = {"kind": "held", "code": "BEAN-01", "amount": 1}
+        self.assertEqual(inventory.amounts({"BEAN-01": 100}, [held]), {"BEAN-01": 100})

=== hold-once | 2025-05-28 08:15 +0545 | nirjala
Hold a variety once for a member
--- edit seedpost/api.py
     """Keep the next packet of a variety for a member."""
+    waiting = {(e["member"], e["code"]) for e in ledger.read(path) if e["kind"] == "held"}
+    if (member, code) in waiting:
+        raise ValueError(f"{member} is waiting for {code} already")
--- append tests/test_api.py
+
+    def test_nobody_waits_twice(self):
+        api.hold(self.path, "Ida", "TOMA-01")
+        with self.assertRaises(ValueError):
+            api.hold(self.path, "Ida", "TOMA-01")
--- append docs/api.md
+
+Whoever waits for a variety already cannot wait for it twice.

=== version | 2025-05-30 15:50 +0200 | maren
Version 0.2.0
--- edit pyproject.toml
-version = "0.1.0"
+version = "0.2.0"
--- write CHANGELOG.md
+# Changes
+
+## 0.2.0, 2025-05-30
+
+- Loans carry their offset and the day on which seed is due, north and south.
+- Seeds are counted or weighed.
+- Three packets a member; weak seed stays here; a waiting list.
+
+## 0.1.0, 2025-01-31
+
+- Lend, give back, and a shelf that is told by its ledger.

=== tag v0.2.0 | version | 2025-05-30 16:00 +0200 | maren
Two hemispheres, two units, one waiting list
