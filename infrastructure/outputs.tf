output "bucket" {
  description = "The bucket of the lake, the backups and Dagster's compute logs."
  value       = module.storage.bucket
}

output "lake" {
  description = "PARAKEET_LAKE, for a laptop that reads the same lake."
  value       = local.environment.PARAKEET_LAKE
}

output "database_secret" {
  description = "Name of the secret that holds the database's URL: put the URL there after the first apply."
  value       = module.secrets.database_secret_name
}

output "repositories" {
  description = "Where the images are pushed to, by target of the Dockerfile."
  value       = module.registry.repository_urls
}

output "function_name" {
  description = "The Lambda, for `aws lambda invoke`."
  value       = local.runs ? module.ingest[0].function_name : null
}

output "dead_letter_queue" {
  description = "Address of the queue of the calls that failed for good."
  value       = local.runs ? module.ingest[0].queue_url : null
}

output "log_groups" {
  description = "Log groups, for `aws logs tail`."
  value       = concat(local.runs ? [module.ingest[0].log_group] : [], var.always_on && local.runs ? [module.cluster[0].log_group] : [], var.api != null && local.runs ? module.api[0].log_groups : [])
}

output "alert_topic" {
  description = "The SNS topic of every alarm."
  value       = module.alarms.topic_arn
}

output "cluster" {
  description = "The ECS cluster and service, for reaching the UI as the README says."
  value       = var.always_on && local.runs ? { cluster = module.cluster[0].cluster_name, service = module.cluster[0].service_name } : null
}

output "api_url" {
  description = "Where the API is."
  value       = var.api != null && local.runs ? module.api[0].url : null
}
