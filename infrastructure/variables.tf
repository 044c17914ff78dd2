variable "name" {
  description = "Prefix of the name of everything here."
  type        = string
  default     = "parakeet"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name: 3 to 20 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "account_id" {
  description = "The AWS account to deploy to; another one's credentials are refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id: the 12 digits of an AWS account, without hyphens."
  }
}

variable "region" {
  description = "AWS region. Choose the database's: every row crosses between the two."
  type        = string
  default     = "ap-southeast-2"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: an AWS region such as ap-southeast-2."
  }
}

variable "tags" {
  description = "Further tags of every resource."
  type        = map(string)
  default     = {}
}

# What runs

variable "image_tag" {
  description = "Tag of the two images in ECR. Null until they are pushed: everything that needs no image is made, and nothing runs."
  type        = string
  default     = null

  validation {
    condition     = var.image_tag == null || can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.image_tag))
    error_message = "image_tag: a tag of an image, e.g. v0.1.0 or a commit."
  }

  validation {
    condition     = var.image_tag != "latest"
    error_message = "image_tag: tags are immutable here, so it must name one build, not latest."
  }
}

variable "architecture" {
  description = "Processor that the images are built for: X86_64 or ARM64 (a fifth cheaper)."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.architecture)
    error_message = "architecture: X86_64 or ARM64."
  }
}

variable "settings" {
  description = "Parakeet's settings as in .env.example, for the Lambda and the cluster alike. Secrets do not belong here."
  type        = map(string)
  default = {
    PARAKEET_PRICE_SOURCE = "yahoo"
  }

  validation {
    condition     = alltrue([for key in keys(var.settings) : can(regex("^PARAKEET_[A-Z][A-Z_]*$", key))])
    error_message = "settings: only variables named PARAKEET_..., see .env.example."
  }

  validation {
    condition = length(setintersection(keys(var.settings), [
      "PARAKEET_ALERT_TOPIC", "PARAKEET_BACKUPS", "PARAKEET_BUCKET", "PARAKEET_DATABASE_SECRET",
      "PARAKEET_ECS_TASK_DEFINITION", "PARAKEET_HOME", "PARAKEET_LAKE", "PARAKEET_LOGS", "PARAKEET_SCHEDULES",
    ])) == 0
    error_message = "settings: what Terraform itself sets (lake, backups, secret, topic, logs, schedules, ...) cannot be set."
  }

  validation {
    condition     = length(setintersection(keys(var.settings), ["PARAKEET_SMTP_URL", "PARAKEET_SLACK_WEBHOOK"])) == 0
    error_message = "settings: PARAKEET_SMTP_URL and PARAKEET_SLACK_WEBHOOK are secrets, see alert_secrets."
  }
}

variable "schedule" {
  description = "When the daily job starts, as EventBridge Scheduler writes it, in UTC. Both markets have closed at 01:00."
  type        = string
  default     = "cron(30 1 * * ? *)"

  validation {
    condition     = can(regex("^cron\\([^()]+\\)$", var.schedule))
    error_message = "schedule: cron(minutes hours day-of-month month day-of-week year)."
  }
}

variable "catch_up" {
  description = "When the job starts once more, for what the vendor had not yet: the latest ASX day is hours late at times. Null: not at all."
  type        = string
  default     = "cron(30 6 * * ? *)"

  validation {
    condition     = var.catch_up == null || can(regex("^cron\\([^()]+\\)$", var.catch_up))
    error_message = "catch_up: cron(minutes hours day-of-month month day-of-week year), or null."
  }
}

variable "backup" {
  description = "When the Lambda dumps what only the database holds. Null: not at all."
  type        = string
  default     = "cron(30 7 * * ? *)"

  validation {
    condition     = var.backup == null || can(regex("^cron\\([^()]+\\)$", var.backup))
    error_message = "backup: cron(minutes hours day-of-month month day-of-week year), or null."
  }
}

variable "scheduled" {
  description = "Whether the daily job starts by itself, be it the Lambda or, always on, the daemon's run. The heartbeat alarm goes off a day after it is switched off."
  type        = bool
  default     = true
}

variable "lambda_memory_mb" {
  description = "Memory of the Lambda; a whole second processor comes at 1,769 MB more."
  type        = number
  default     = 3008

  validation {
    condition     = var.lambda_memory_mb >= 1024 && var.lambda_memory_mb <= 10240
    error_message = "lambda_memory_mb: 1024 to 10240."
  }
}

variable "lambda_storage_mb" {
  description = "Size of the Lambda's /tmp; the first 512 MB are free."
  type        = number
  default     = 1024

  validation {
    condition     = var.lambda_storage_mb >= 512 && var.lambda_storage_mb <= 10240
    error_message = "lambda_storage_mb: 512 to 10240."
  }
}

variable "lambda_retries" {
  description = "How often a failed call of the Lambda is made again, one and two minutes later."
  type        = number
  default     = 2

  validation {
    condition     = contains([0, 1, 2], var.lambda_retries)
    error_message = "lambda_retries: 0, 1 or 2."
  }
}

variable "lambda_concurrency" {
  description = "Calls of the Lambda at a time. -1 reserves none, for a new account whose quota is still 10."
  type        = number
  default     = 1

  validation {
    condition     = contains([-1, 1], var.lambda_concurrency)
    error_message = "lambda_concurrency: 1, or -1 for none reserved."
  }
}

variable "tracing" {
  description = "Whether AWS X-Ray traces the Lambda."
  type        = bool
  default     = false
}

# Always on

variable "always_on" {
  description = "Dagster's webserver, daemon and code location on ECS, a task a run. The daemon's schedule replaces the Lambda's, which is switched off."
  type        = bool
  default     = false
}

variable "server_size" {
  description = "The server task: cpu in units of 1/1024 of a processor, memory in MiB, in one of Fargate's pairs."
  type        = object({ cpu = number, memory = number })
  default     = { cpu = 1024, memory = 4096 }

  validation {
    condition     = contains([512, 1024, 2048, 4096], var.server_size.cpu) && var.server_size.memory >= 2 * var.server_size.cpu && var.server_size.memory <= min(8 * var.server_size.cpu, 30720) && var.server_size.memory % 1024 == 0
    error_message = "server_size: cpu 512, 1024, 2048 or 4096, and memory 2 to 8 times as much, a multiple of 1024 up to 30720."
  }
}

variable "run_size" {
  description = "The task of one run, as server_size."
  type        = object({ cpu = number, memory = number })
  default     = { cpu = 2048, memory = 8192 }

  validation {
    condition     = contains([512, 1024, 2048, 4096], var.run_size.cpu) && var.run_size.memory >= 2 * var.run_size.cpu && var.run_size.memory <= min(8 * var.run_size.cpu, 30720) && var.run_size.memory % 1024 == 0
    error_message = "run_size: cpu 512, 1024, 2048 or 4096, and memory 2 to 8 times as much, a multiple of 1024 up to 30720."
  }
}

variable "network_cidr" {
  description = "The private addresses of the cluster's network."
  type        = string
  default     = "10.20.0.0/20"

  validation {
    condition     = can(cidrsubnet(var.network_cidr, 4, 1))
    error_message = "network_cidr: an IPv4 network with room for 16 subnets, e.g. 10.20.0.0/20."
  }
}

variable "database_port" {
  description = "Port of PostgreSQL; besides it the cluster reaches the world by HTTPS only."
  type        = number
  default     = 5432

  validation {
    condition     = var.database_port >= 1 && var.database_port <= 65535
    error_message = "database_port: 1 to 65535."
  }
}

variable "smtp_port" {
  description = "Port of the mail server, where alerts go by SMTP (PARAKEET_SMTP_URL); null: closed."
  type        = number
  default     = null

  validation {
    condition     = var.smtp_port == null || contains([465, 587, 2587], coalesce(var.smtp_port, 465))
    error_message = "smtp_port: 465, 587 or 2587."
  }
}

variable "alert_secrets" {
  description = "Which of PARAKEET_SMTP_URL and PARAKEET_SLACK_WEBHOOK the cluster reads from the secret NAME/alerts. Name one only when the secret has its key: a task does not start without."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.alert_secrets, ["PARAKEET_SMTP_URL", "PARAKEET_SLACK_WEBHOOK"])) == 0
    error_message = "alert_secrets: PARAKEET_SMTP_URL, PARAKEET_SLACK_WEBHOOK or both."
  }
}

# The API

variable "api" {
  description = "The API over HTTP: null for none, {} for one Lambda behind an HTTP API. groups: a Lambda for each group of resources besides; concurrency: requests at a time of each Lambda, -1 for as many as the account allows; requests_per_second and burst: of everybody together."
  type = object({
    groups              = optional(bool, false)
    memory_mb           = optional(number, 1769)
    concurrency         = optional(number, -1)
    requests_per_second = optional(number, 20)
    burst               = optional(number, 40)
  })
  default = null

  validation {
    condition     = var.api == null || try(var.api.memory_mb >= 512 && var.api.memory_mb <= 10240, false)
    error_message = "api: memory_mb is 512 to 10240; a whole processor comes at 1769."
  }

  validation {
    condition     = var.api == null || try(var.api.concurrency == -1 || var.api.concurrency >= 1 && var.api.concurrency <= 100, false)
    error_message = "api: concurrency is 1 to 100, or -1 for none reserved."
  }

  validation {
    condition     = var.api == null || try(var.api.requests_per_second >= 1 && var.api.requests_per_second <= 10000 && var.api.burst >= 1 && var.api.burst <= 5000, false)
    error_message = "api: requests_per_second is 1 to 10000, burst 1 to 5000."
  }
}

# What is kept

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days: one of CloudWatch's 30, 60, 90, 120, 150, 180, 365, 400, 545 and 731."
  }
}

variable "protect_data" {
  description = "Whether `terraform destroy` stops at a bucket, a repository or a secret that holds something. Set it to false, apply, then destroy."
  type        = bool
  default     = true
}

# Who is told

variable "alert_emails" {
  description = "Addresses of the alarms; each has to confirm the mail that AWS sends first."
  type        = set(string)

  validation {
    condition     = length(var.alert_emails) > 0 && alltrue([for address in var.alert_emails : can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", address))])
    error_message = "alert_emails: one address at least."
  }
}

variable "coverage_threshold" {
  description = "The part of the expected tickers that must have a bar, or the coverage alarm goes off."
  type        = number
  default     = 0.98

  validation {
    condition     = var.coverage_threshold > 0 && var.coverage_threshold <= 1
    error_message = "coverage_threshold: above 0 and at most 1."
  }
}

variable "monthly_budget_usd" {
  description = "Mail is sent at 80 % of it forecast and at 100 % spent. It counts everything with this configuration's tag, or the whole account, see budget_whole_account."
  type        = number
  default     = 20

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "monthly_budget_usd: an amount above 0."
  }
}

variable "budget_whole_account" {
  description = "Whether the budget counts the whole account. False counts the tag Service, which has to be activated as a cost allocation tag first, and so counts nothing for the first day."
  type        = bool
  default     = true
}
