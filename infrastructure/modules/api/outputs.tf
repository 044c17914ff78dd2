output "url" {
  description = "Where the API is."
  value       = aws_apigatewayv2_api.this.api_endpoint
}

output "api_id" {
  description = "The gateway, as its metrics name it."
  value       = aws_apigatewayv2_api.this.id
}

output "log_groups" {
  description = "Names of the log groups: of the gateway and of each Lambda."
  value       = concat([aws_cloudwatch_log_group.access.name], [for group in aws_cloudwatch_log_group.function : group.name])
}
