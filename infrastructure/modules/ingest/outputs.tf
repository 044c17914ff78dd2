output "function_name" {
  description = "Name of the Lambda."
  value       = aws_lambda_function.this.function_name
}

output "queue_name" {
  description = "Name of the queue of what failed for good."
  value       = aws_sqs_queue.dead_letters.name
}

output "queue_url" {
  description = "Address of the queue of what failed for good."
  value       = aws_sqs_queue.dead_letters.url
}

output "schedule_group" {
  description = "Name of the group of schedules."
  value       = aws_scheduler_schedule_group.this.name
}

output "log_group" {
  description = "Name of the Lambda's log group."
  value       = aws_cloudwatch_log_group.this.name
}
