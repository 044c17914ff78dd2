output "subnet_ids" {
  description = "The subnets of the tasks."
  value       = aws_subnet.public[*].id
}

output "security_group_id" {
  description = "The tasks' security group."
  value       = aws_security_group.tasks.id
}
