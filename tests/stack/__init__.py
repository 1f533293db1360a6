"""Tests of the whole pipeline on the local stack: real queues, real HTTP, workers that can be killed."""
