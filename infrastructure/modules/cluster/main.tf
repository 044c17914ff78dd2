# Dagster, always on: one task with the code location, the webserver and the daemon, which speak over
# localhost; a task of its own for each run, which the daemon starts (EcsRunLauncher). One task instead
# of three services: a third of the addresses to pay, and no load balancer or service discovery.

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts logs with its own key for nothing; no secret is logged, which a test of the project holds
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_ecs_cluster" "this" {
  #checkov:skip=CKV_AWS_65:Container Insights is a charge on each of dozens of metrics; the alarms use those that ECS gives for nothing
  #checkov:skip=CKV_AWS_224:A session to the UI is encrypted by TLS already; a key of one's own is US$1 a month
  name = var.name

  setting {
    name  = "containerInsights"
    value = "disabled"
  }

  configuration {
    execute_command_configuration {
      # Whoever opens a shell in a container is logged where the container logs.
      logging = "DEFAULT"
    }
  }
}

locals {
  run_family    = "${var.name}-run"
  server_family = "${var.name}-server"

  variables = merge(var.environment, {
    AWS_DEFAULT_REGION = var.region
    DAGSTER_HOME       = "/opt/parakeet/ecs" # the instance that launches a task for a run
    PARAKEET_CODE_HOST = "127.0.0.1"
  })

  environment = [for key in sort(keys(local.variables)) : { name = key, value = local.variables[key] }]
  secrets     = [for key in sort(var.alert_secrets) : { name = key, valueFrom = "${var.alerts_secret_arn}:${key}::" }]

  container = {
    image       = var.image_uri
    essential   = true
    secrets     = local.secrets
    stopTimeout = 120

    # A process of Dagster leaves children behind when it is killed; an init takes them in.
    linuxParameters = { initProcessEnabled = true }

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = var.region
        awslogs-stream-prefix = var.name
      }
    }
  }

  # What a run may know of launching runs is the family's name; the server takes the revision, and so
  # is started anew with each.
  run_environment    = concat(local.environment, [{ name = "PARAKEET_ECS_TASK_DEFINITION", value = local.run_family }])
  server_environment = concat(local.environment, [{ name = "PARAKEET_ECS_TASK_DEFINITION", value = aws_ecs_task_definition.run.arn }])

  server = merge(local.container, {
    environment = local.server_environment
  })
}

resource "aws_ecs_task_definition" "run" {
  #checkov:skip=CKV_AWS_336:Dagster and the lake's cache write into the container; its file system is gone with the task
  family                   = local.run_family
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.run_size.cpu
  memory                   = var.run_size.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.run.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  # The launcher puts the run's own command in the place of this one.
  container_definitions = jsonencode([merge(local.container, {
    name        = "run"
    command     = ["dagster", "api", "execute_run"]
    environment = local.run_environment
  })])
}

resource "aws_ecs_task_definition" "server" {
  #checkov:skip=CKV_AWS_336:Session Manager, by which the UI is reached, cannot work on a file system that is read-only
  family                   = local.server_family
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.server_size.cpu
  memory                   = var.server_size.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.server.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.architecture
  }

  # They listen on 127.0.0.1 only: the UI has no login, and not even the security group is all that
  # keeps it private.
  container_definitions = jsonencode([
    merge(local.server, {
      name    = "code"
      command = ["dagster", "api", "grpc", "-m", "parakeet_dagster.definitions", "-h", "127.0.0.1", "-p", "4000", "--log-format", "json"]
      healthCheck = {
        command     = ["CMD", "dagster", "api", "grpc-health-check", "-h", "127.0.0.1", "-p", "4000"]
        interval    = 60
        timeout     = 30
        retries     = 3
        startPeriod = 180
      }
    }),
    merge(local.server, {
      name      = "webserver"
      command   = ["dagster-webserver", "-w", "/opt/parakeet/workspace.yaml", "-h", "127.0.0.1", "-p", "3000", "--log-format", "json"]
      dependsOn = [{ containerName = "code", condition = "HEALTHY" }]
      healthCheck = {
        command     = ["CMD", "python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:3000/server_info', timeout=20)"]
        interval    = 60
        timeout     = 30
        retries     = 3
        startPeriod = 120
      }
    }),
    merge(local.server, {
      name      = "daemon"
      command   = ["dagster-daemon", "run", "-w", "/opt/parakeet/workspace.yaml", "--log-format", "json"]
      dependsOn = [{ containerName = "code", condition = "HEALTHY" }]
      healthCheck = {
        command     = ["CMD", "dagster-daemon", "liveness-check"]
        interval    = 120
        timeout     = 60
        retries     = 3
        startPeriod = 180
      }
    }),
  ])
}

resource "aws_ecs_service" "server" {
  #checkov:skip=CKV_AWS_333:A public address is the way out, for US$3.65 a month instead of a NAT gateway's US$40; nothing can come in
  name            = "server"
  cluster         = aws_ecs_cluster.this.arn
  task_definition = aws_ecs_task_definition.server.arn
  desired_count   = 1
  launch_type     = "FARGATE"

  # Never two daemons at a time: the old task stops before the new one starts.
  deployment_minimum_healthy_percent = 0
  deployment_maximum_percent         = 100
  availability_zone_rebalancing      = "DISABLED"

  enable_execute_command  = true
  enable_ecs_managed_tags = true
  propagate_tags          = "SERVICE"

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = var.security_group_ids
    assign_public_ip = true
  }

  # Tasks that start before their role may do anything fail at once.
  depends_on = [
    aws_iam_role_policy.execution,
    aws_iam_role_policy.server_data,
    aws_iam_role_policy.run_data,
    aws_iam_role_policy.launch,
    aws_iam_role_policy.session,
  ]
}
