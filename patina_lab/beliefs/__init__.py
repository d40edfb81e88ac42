"""WHAT WE THINK: observations, clusters of them, facts, rules, and beliefs with their proofs."""
