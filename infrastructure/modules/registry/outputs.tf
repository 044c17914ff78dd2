output "repository_urls" {
  description = "Address of each repository, by target of the Dockerfile."
  value       = { for target, repository in aws_ecr_repository.this : target => repository.repository_url }
}

output "repository_arns" {
  description = "ARN of each repository, by target of the Dockerfile."
  value       = { for target, repository in aws_ecr_repository.this : target => repository.arn }
}
