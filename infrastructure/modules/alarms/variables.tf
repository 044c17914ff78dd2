variable "name" {
  description = "Prefix of the names of topic and alarms."
  type        = string
}

variable "account_id" {
  description = "AWS account."
  type        = string
}

variable "emails" {
  description = "Addresses of the alarms."
  type        = set(string)
}

variable "coverage_threshold" {
  description = "The part of the expected tickers that must have a bar."
  type        = number
}

variable "runs" {
  description = "Whether the daily job is deployed: before, there is nothing to raise an alarm about."
  type        = bool
}

variable "function_name" {
  description = "The Lambda."
  type        = string
}

variable "queue_name" {
  description = "The dead-letter queue; null where the job is not deployed."
  type        = string
}

variable "schedule_group" {
  description = "The group of schedules; null where the job is not deployed."
  type        = string
}

variable "api" {
  description = "The API's gateway and Lambdas; null where there is none."
  type        = object({ id = string, functions = list(string) })
}

variable "server" {
  description = "Cluster and service of the server; null where it is not always on."
  type        = object({ cluster = string, service = string })
}
