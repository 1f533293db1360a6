"""The rules of XP, streaks, badges and stats, and the scores that follow."""
