"""How Laurel is packaged, deployed to AWS and run on one laptop. Nothing here ships in the zip."""
