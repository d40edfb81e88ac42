"""WHAT WE THINK: observations, clusters of them, facts, rules, and beliefs with their proofs.

::

    observed ── embed, vectors ── cluster, polarity ── ground ── facts ─┐
                                                                        ├─ rules ── formation
    rulesets/*.pl ── ruleset ───────────────────────────────────────────┘             │
                                                             pipeline: all of it, as of any moment
                                                                 │
      explain: why, and what would flip it        history, belief_events: how it came about
      tables, kept: where it lies                 claims, metrics, compare: which rules are better
"""
