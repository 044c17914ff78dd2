"""The infrastructure code, read without Terraform: against the provider's schema and the code."""
