"""The economy against a plain model: by random steps over HTTP, and on the simulated AWS with every fault.

python -m tests.economy --seeds 1000            run seeds 0..999 and all mutants on all cores
python -m tests.economy --seed 17               replay one, with its trace
python -m tests.economy --mutant as_read        run a broken Laurel until it is caught
"""
