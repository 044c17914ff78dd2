output "database_secret_arn" {
  description = "ARN of the database's secret: PARAKEET_DATABASE_SECRET."
  value       = aws_secretsmanager_secret.database.arn
}

output "database_secret_name" {
  description = "Name of the database's secret."
  value       = aws_secretsmanager_secret.database.name
}

output "alerts_secret_arn" {
  description = "ARN of the alerts' secret, or null."
  value       = one(aws_secretsmanager_secret.alerts[*].arn)
}
