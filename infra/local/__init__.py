"""Run Laurel on one machine: deploy the AWS template with CloudFormation to an emulator."""
