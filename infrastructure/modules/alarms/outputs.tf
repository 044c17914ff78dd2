output "topic_arn" {
  description = "The topic of every alarm, and of Parakeet's own alerts: PARAKEET_ALERT_TOPIC."
  value       = aws_sns_topic.this.arn
}
