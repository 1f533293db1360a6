"""Laurel on one laptop: the AWS template, deployed by CloudFormation to an emulator."""
