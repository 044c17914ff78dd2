variable "name" {
  description = "Name of the budget, and the value of the tag Service."
  type        = string
}

variable "monthly_usd" {
  description = "US dollars a month."
  type        = number
}

variable "emails" {
  description = "Who is told."
  type        = set(string)
}

variable "whole_account" {
  description = "Whether everything in the account counts, or only what has the tag."
  type        = bool
}
