"""The whole pipeline on the simulated AWS: seeded traffic, every fault, and the naive model as the judge.

python -m tests.pipeline --seeds 1000            run seeds 0..999 and all mutants on all cores
python -m tests.pipeline --seed 17               replay one, with its trace
python -m tests.pipeline --mutant weak_read      run a broken Laurel until it is caught
"""
