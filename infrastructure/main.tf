locals {
  runs   = var.image_tag != null
  bucket = "${var.name}-${var.account_id}-${var.region}"

  # One environment for the Lambda and the cluster: whatever runs a session finds the same data.
  environment = merge(var.settings, {
    PARAKEET_LAKE            = "s3://${module.storage.bucket}/${module.storage.prefixes.lake}"
    PARAKEET_BACKUPS         = "s3://${module.storage.bucket}/${module.storage.prefixes.backups}"
    PARAKEET_BUCKET          = module.storage.bucket
    PARAKEET_DATABASE_SECRET = module.secrets.database_secret_arn
    PARAKEET_ALERT_TOPIC     = module.alarms.topic_arn
    PARAKEET_LOGS            = "json"
  })
}

module "storage" {
  source = "./modules/storage"

  bucket       = local.bucket
  protect_data = var.protect_data
}

module "secrets" {
  source = "./modules/secrets"

  name          = var.name
  alert_secrets = var.alert_secrets
  protect_data  = var.protect_data
}

module "registry" {
  source = "./modules/registry"

  name         = var.name
  account_id   = var.account_id
  region       = var.region
  functions    = concat([local.function_name], keys(local.api_functions))
  protect_data = var.protect_data
}

locals {
  function_name = "${var.name}-daily-ingest"

  schedules = merge(
    {
      daily = {
        expression  = var.schedule
        event       = jsonencode({})
        description = "Both markets have closed: the session due."
      }
    },
    var.catch_up == null ? {} : {
      catch-up = {
        expression  = var.catch_up
        event       = jsonencode({})
        description = "What the vendor had not yet at the first call. Where nothing is missing it is a call of seconds."
      }
    },
    var.backup == null ? {} : {
      backup = {
        expression  = var.backup
        event       = jsonencode({ backup = true })
        description = "What only the database holds, dumped beside the lake."
      }
    },
  )
}

module "ingest" {
  source = "./modules/ingest"
  count  = local.runs ? 1 : 0

  name               = var.name
  account_id         = var.account_id
  function_name      = local.function_name
  image_uri          = "${module.registry.repository_urls.parakeet-lambda}:${var.image_tag}"
  architecture       = var.architecture
  memory_mb          = var.lambda_memory_mb
  storage_mb         = var.lambda_storage_mb
  retries            = var.lambda_retries
  concurrency        = var.lambda_concurrency
  tracing            = var.tracing
  schedules          = local.schedules
  enabled            = var.scheduled && !var.always_on
  environment        = merge(local.environment, { PARAKEET_HOME = "/tmp/parakeet" })
  data_policy        = data.aws_iam_policy_document.data.json
  log_retention_days = var.log_retention_days

  # Lambda reads the image when the function is made, by this repository's policy.
  depends_on = [module.registry]
}

locals {
  # The whole API is one Lambda, or each group of resources has one of its own; what is in no group is
  # the first one's. Each name is a handler of parakeet_api/lambda_handlers.py.
  api_groups = {
    market_data = ["universes", "prices", "returns"]
    strategies  = ["strategies", "signals", "allocations", "orders", "performance"]
    trades      = ["trades", "holdings", "audit"]
  }

  api_functions = var.api == null ? {} : merge(
    {
      "${var.name}-api" = {
        handler     = "parakeet_api.lambda_handlers.handler"
        routes      = ["$default"]
        description = "every resource"
      }
    },
    { for group, resources in local.api_groups : "${var.name}-api-${replace(group, "_", "-")}" => {
      handler     = "parakeet_api.lambda_handlers.${group}"
      routes      = flatten([for resource in resources : ["ANY /v1/${resource}", "ANY /v1/${resource}/{proxy+}"]])
      description = join(", ", resources)
    } if var.api.groups },
  )
}

module "api" {
  source = "./modules/api"
  count  = var.api != null && local.runs ? 1 : 0

  name                = var.name
  image_uri           = "${module.registry.repository_urls.parakeet-lambda}:${var.image_tag}"
  architecture        = var.architecture
  functions           = local.api_functions
  memory_mb           = var.api.memory_mb
  concurrency         = var.api.concurrency
  requests_per_second = var.api.requests_per_second
  burst               = var.api.burst
  environment         = merge(local.environment, { PARAKEET_HOME = "/tmp/parakeet" })
  data_policy         = data.aws_iam_policy_document.read.json
  log_retention_days  = var.log_retention_days

  # As the daily job's.
  depends_on = [module.registry]
}

module "network" {
  source = "./modules/network"
  count  = var.always_on ? 1 : 0

  name          = var.name
  region        = var.region
  cidr          = var.network_cidr
  database_port = var.database_port
  smtp_port     = var.smtp_port
}

module "cluster" {
  source = "./modules/cluster"
  count  = var.always_on && local.runs ? 1 : 0

  name               = var.name
  account_id         = var.account_id
  region             = var.region
  image_uri          = "${module.registry.repository_urls.parakeet}:${var.image_tag}"
  repository_arn     = module.registry.repository_arns.parakeet
  architecture       = var.architecture
  server_size        = var.server_size
  run_size           = var.run_size
  subnet_ids         = module.network[0].subnet_ids
  security_group_ids = [module.network[0].security_group_id]
  environment        = merge(local.environment, { PARAKEET_SCHEDULES = var.scheduled ? "running" : "stopped" })
  alert_secrets      = var.alert_secrets
  alerts_secret_arn  = module.secrets.alerts_secret_arn
  data_policy        = data.aws_iam_policy_document.data.json
  log_retention_days = var.log_retention_days
}

module "alarms" {
  source = "./modules/alarms"

  name               = var.name
  account_id         = var.account_id
  emails             = var.alert_emails
  coverage_threshold = var.coverage_threshold
  runs               = local.runs
  function_name      = local.function_name
  queue_name         = local.runs ? module.ingest[0].queue_name : null
  schedule_group     = local.runs ? module.ingest[0].schedule_group : null
  api                = var.api != null && local.runs ? { id = module.api[0].api_id, functions = keys(local.api_functions) } : null
  server             = var.always_on && local.runs ? { cluster = module.cluster[0].cluster_name, service = module.cluster[0].service_name } : null
}

module "budget" {
  source = "./modules/budget"

  name          = var.name
  monthly_usd   = var.monthly_budget_usd
  emails        = var.alert_emails
  whole_account = var.budget_whole_account
}
