"""The whole pipeline on the real local stack: real queues, real HTTP, workers that are processes and can be killed."""
