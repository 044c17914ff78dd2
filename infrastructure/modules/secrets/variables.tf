variable "name" {
  description = "Prefix of the secrets' names."
  type        = string
}

variable "alert_secrets" {
  description = "Keys of the secret of the alerts; none, no secret."
  type        = set(string)
}

variable "protect_data" {
  description = "Whether a deleted secret can be had back for 30 days."
  type        = bool
}
