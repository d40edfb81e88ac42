June: what we believe by now.

=== south-note | 2025-06-02 20:05 +0930 | cal
Note: the first autumn of returns
--- session 20250602-180000.md

=== tag session-20250602-180000-start | version

=== returns-page | 2025-06-03 19:30 +0930 | cal
Describe how the south took its seed back

Forty-four packets went out in September, thirty-one came back.
--- append docs/seasons.md
+
+In the south the first returns came between 2 April and 9 May 2025. Nobody was turned away
+for nine days.

=== belief-offset | 2025-06-04 09:00 +0200 | maren
Belief: an instant is written with its offset
--- event 050

=== open-proposal | 2025-06-05 08:50 +0545 | nirjala | branch propose/049-fridge
Propose an observation: the fridge keeps kale awake
--- event 049

=== last-row | 2025-06-06 11:20 +0200 | oydis
Add Bärenpfad to the catalogue

Two people have read the row, as is our habit.
--- append data/varieties.csv
+PUMP-01,Bärenpfad,pumpkin,seeds
