"""Tests of what is deployed: the packaged template, the zips, the local stack."""
