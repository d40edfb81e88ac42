March: autumn is in April.

Maren decides that a packet is returned by 31 October, and writes it into the desk. In Port
Adelaide that is spring. Cal decides 30 April. For two weeks both stand in the log and
contradict each other, until each gets its context and the desk learns of hemispheres.
Meanwhile the clock of the school's computer loses five days in a power cut.

=== frost-0303 | 2025-03-03 04:00 +0000 | seedbot
chore(data): refresh frost dates
--- edit data/frost-dates.json
-  "old-mill": "2025-05-11",
+  "old-mill": "2025-05-09",

=== labels | 2025-03-03 19:20 +0100 | oydis
Print labels from a file of their own

Three lines, nothing else (evt_013). A label knows a variety and an
amount; it has never heard of the ledger.
--- write seedpost/labels.py
+"""Labels: what is printed on a packet."""
+
+WIDTH = 24
+
+
+def label(variety, amount):
+    """Return the three lines of a label."""
+    return [variety.name[:WIDTH], variety.crop, f"{amount} {variety.unit}"]
--- write tests/test_labels.py
+import unittest
+
+from seedpost import labels
+from seedpost.catalogue import Variety
+
+
+class LabelTest(unittest.TestCase):
+    def test_a_label_has_three_lines(self):
+        poppy = Variety("POPP-01", "Ferryman's Poppy", "poppy", "grams")
+        self.assertEqual(labels.label(poppy, 2), ["Ferryman's Poppy", "poppy", "2 grams"])

=== october | 2025-03-04 10:30 +0100 | maren
Decision: a packet is returned by 31 October
--- event 016

=== labels-words | 2025-03-05 20:45 +0100 | oydis
Cut a long name at a word

"Grandmother's Climbing Tro" is a sad thing to read on a packet.
--- edit seedpost/labels.py
 """Labels: what is printed on a packet."""
 
+import textwrap
+
 WIDTH = 24
@@
-    return [variety.name[:WIDTH], variety.crop, f"{amount} {variety.unit}"]
+    name = textwrap.shorten(variety.name, WIDTH, placeholder="…")
+    return [name, variety.crop, f"{amount} {variety.unit}"]
--- append tests/test_labels.py
+
+    def test_a_long_name_is_cut_at_a_word(self):
+        bean = Variety("BEAN-03", "Grandmother's Climbing Trout", "bean", "seeds")
+        self.assertEqual(labels.label(bean, 20)[0], "Grandmother's Climbing…")

=== due | 2025-03-07 11:40 +0100 | maren
Tell on the day of the loan when the seed is due

On 31 October (evt_016).
--- edit seedpost/api.py
         raise ValueError(f"{member} has {LIMIT} packets out already")
-    return _write(path, "lent", member, code, amount, unit, when)
+    when = when or datetime.now().astimezone()
+    due = f"{when.year}-10-31"
+    return _write(path, "lent", member, code, amount, unit, when, due=due)
@@
-def _write(path, kind, member, code, amount, unit, when):
+def _write(path, kind, member, code, amount, unit, when, **more):
@@
         "when": (when or datetime.now().astimezone()).isoformat(timespec="seconds"),
+        **more,
     }
--- edit tests/test_api.py
 import tempfile
 import unittest
+from datetime import datetime
 from pathlib import Path
 
 from seedpost import api, ledger
 
+SPRING = datetime.fromisoformat("2025-03-07T11:40:00+01:00")
+
--- append tests/test_api.py
+
+    def test_seed_is_due_in_october(self):
+        entry = api.lend(self.path, "Ida", "BEAN-01", 20, when=SPRING)
+        self.assertEqual(entry["due"], "2025-10-31")
--- append docs/api.md
+
+A loan says when it is `due`: on 31 October.

=== forgot-docs | 2025-03-07 12:05 +0100 | maren
Observation: I nearly forgot docs/api.md again
--- event 019

=== april | 2025-03-11 22:05 +1030 | cal
Decision: a packet is returned by 30 April

Sorry, Maren. It is 31 degrees here.
--- event 017
--- event 018

=== together | 2025-03-14 16:20 +0100 | oydis
Pattern: the desk, its tests and its page change together
--- event 021

=== midnight-note | 2025-03-15 01:20 -0230 | tobiah
Note: a ledger that would not close
--- session 20250314-224000.md

=== tag session-20250314-224000-start | together

=== flat-battery | 2025-03-12 09:14 +1030 | cal-school
Sort the shelf by crop on the web page

The computer lost some days in the power cut; it is the 17th here.
--- edit web/shelf.js
-    .sort(([a], [b]) => a.localeCompare(b))
+    .sort(([a, m], [b, n]) => a.slice(0, 4).localeCompare(b.slice(0, 4)) || n - m)

=== north | 2025-03-18 09:50 +0100 | maren
Refine the decision on October: it is the north's

Cal is right, and so am I. A decision needs to say where it holds.
--- edit .patina/shared/events/2025-03-04-016-decision-made.json
-    "decision": "A packet is always returned by 31 October.",
+    "decision": "A packet is returned by 31 October.",
+    "context": "Libraries north of the equator: Old Mill, St John's, Pokhara",

=== south | 2025-03-18 20:40 +1030 | cal
Refine the decision on April: it is the south's
--- edit .patina/shared/events/2025-03-11-018-decision-made.json
-    "decision": "A packet is always returned by 30 April, never in October.",
+    "decision": "A packet is returned by 30 April.",
+    "context": "Libraries south of the equator: Port Adelaide",
--- event 020

=== frost-0318 | 2025-03-18 14:00 +0000 | seedbot
chore(data): refresh frost dates
--- edit data/frost-dates.json
-  "st-johns": "2025-06-04"
+  "st-johns": "2025-06-03"

=== seasons | 2025-03-20 21:25 +1030 | cal | branch seasons
Compute the day on which seed is due, north and south

Autumn is in April here (evt_020).
--- write seedpost/seasons.py
+"""Seasons: when seed is due, north and south of the equator."""
+
+from datetime import date
+
+DUE = {"north": (10, 31), "south": (4, 30)}
+
+
+def due(when, hemisphere):
+    """Return the first due day that is not before `when`."""
+    month, day = DUE[hemisphere]
+    late = (when.month, when.day) > (month, day)
+    return date(when.year + late, month, day)
--- write tests/test_seasons.py
+import unittest
+from datetime import date
+
+from seedpost import seasons
+
+
+class DueTest(unittest.TestCase):
+    def test_north_seed_is_due_in_october(self):
+        self.assertEqual(seasons.due(date(2025, 3, 20), "north"), date(2025, 10, 31))
+
+    def test_south_seed_is_due_in_april(self):
+        self.assertEqual(seasons.due(date(2025, 9, 1), "south"), date(2026, 4, 30))
+
+    def test_the_last_day_is_still_in_time(self):
+        self.assertEqual(seasons.due(date(2025, 4, 30), "south"), date(2025, 4, 30))

=== with-offset | 2025-03-21 20:15 +1030 | cal
Observation: write the offset, the reader lives elsewhere
--- event 023

=== blank-line | 2025-03-21 15:30 -0230 | tobiah
Read a ledger that ends in a blank line

Somebody opened it in an editor, and the editor meant well.
--- edit seedpost/ledger.py
-        return [json.loads(line) for line in ledger]
+        return [json.loads(line) for line in ledger if line.strip()]
--- append tests/test_ledger.py
+
+    def test_a_blank_line_is_no_entry(self):
+        self.path.write_text('{"code": "BEAN-01"}\n\n', encoding="utf-8")
+        self.assertEqual(ledger.read(self.path), [{"code": "BEAN-01"}])

=== seasons-api | 2025-03-24 19:35 +1030 | cal | branch seasons
Ask the desk for a hemisphere

Co-authored-by: Nirjala Kepchaki <nirjala@seedpost.example>
--- edit seedpost/api.py
-from seedpost import ledger
+from seedpost import ledger, seasons
@@
-def lend(path, member, code, amount, unit="seeds", when=None):
+def lend(path, member, code, amount, unit="seeds", when=None, hemisphere="north"):
@@
-    due = f"{when.year}-10-31"
+    due = seasons.due(when, hemisphere).isoformat()
--- append tests/test_api.py
+
+    def test_in_the_south_seed_is_due_in_april(self):
+        entry = api.lend(self.path, "Ida", "BEAN-01", 20, when=SPRING, hemisphere="south")
+        self.assertEqual(entry["due"], "2025-04-30")
--- edit docs/api.md
-A loan says when it is `due`: on 31 October.
+A loan says when it is `due`: on 31 October in the `north`, on 30 April in the `south`
+(`hemisphere`).

=== readme-tests | 2025-03-26 09:05 +0100 | maren-mill
Say in the README that the tests need no network
--- edit README.md
-    python -m unittest        # run the tests
+    python -m unittest        # run the tests; they need no network

=== merge-seasons | 2025-03-28 10:25 +0100 | maren | merge seasons
Merge branch 'seasons'

=== nightly | 2025-03-29 08:00 +0100 | maren
Start the nightly copy again

Nothing changes here. The computer at the mill copies when it sees a
commit, and it slept through the week.

=== fifty-percent | 2025-03-31 20:40 +0545 | nirjala
Decision: weak seed is not lent
--- event 024
--- session 20250331-190000.md

=== tag session-20250331-190000-start | nightly
