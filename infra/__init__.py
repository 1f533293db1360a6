"""Package Laurel, deploy it to AWS and run it on one machine. Nothing here ships in the zip."""
