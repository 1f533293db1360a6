"""Tests of the deployable: the packaged template, the zips, the local stack."""
