"""The bench: every figure with a target, measured on this machine or counted by AWS's rules.

`make bench` prints one JSON object a line, {"name", "value", "unit", "params"}; `make bench ONLY=prefix` runs a part.
A figure that cannot be taken is an error (status 1). A figure above its target is printed on stderr. It is an error too
if it is counted: counted figures do not depend on the machine.

What is counted (units, round trips, retries, cost) comes from the simulated services below botocore and is the same on
every run. What is timed is CPU of this process with canned answers, wall time of a fresh process, or wall time on the
local stack: the latter is labelled "emulator", for it says nothing of AWS. Peers (SQLite, Redis where it is installed)
are timed next to the boards that do the same.
"""
