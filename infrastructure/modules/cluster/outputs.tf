output "cluster_name" {
  description = "Name of the cluster."
  value       = aws_ecs_cluster.this.name
}

output "service_name" {
  description = "Name of the service of the server task."
  value       = aws_ecs_service.server.name
}

output "log_group" {
  description = "Log group of the server and of every run."
  value       = aws_cloudwatch_log_group.this.name
}
