# Two public subnets and no NAT gateway: a task has an address of its own (US$3.65 a month) and a
# security group that lets nothing in. A private subnet would need a NAT gateway (from US$40).

data "aws_availability_zones" "available" {
  #checkov:skip=CKV_AWS_394:Two are taken, the first by name; a zone that is added later comes after them
  state = "available"

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

resource "aws_vpc" "this" {
  #checkov:skip=CKV2_AWS_11:Flow logs are US$0.50 a GB and the tasks fetch prices all evening; nothing can connect to them
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.name }
}

# The group that whatever names none would get: it allows nothing.
resource "aws_default_security_group" "none" {
  vpc_id = aws_vpc.this.id
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = var.name }
}

resource "aws_subnet" "public" {
  count = 2

  vpc_id                  = aws_vpc.this.id
  cidr_block              = cidrsubnet(var.cidr, 4, count.index)
  availability_zone       = data.aws_availability_zones.available.names[count.index]
  map_public_ip_on_launch = false

  tags = { Name = "${var.name}-public-${count.index}" }
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-public" }
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  count = 2

  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public.id
}

# S3 without the internet, for nothing.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.public.id]

  tags = { Name = "${var.name}-s3" }
}

resource "aws_security_group" "tasks" {
  #checkov:skip=CKV2_AWS_5:It is attached to the cluster's tasks, in another module
  name        = "${var.name}-tasks"
  description = "Tasks of Parakeet: nothing comes in, HTTPS and PostgreSQL go out."
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-tasks" }
}

# No rule lets anything in: the UI, which has no login, is reached through Session Manager (README).
resource "aws_vpc_security_group_egress_rule" "tasks" {
  for_each = local.ports

  security_group_id = aws_security_group.tasks.id
  description       = each.key
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
  cidr_ipv4         = "0.0.0.0/0"
}

locals {
  ports = merge(
    {
      "HTTPS: AWS, prices and webhooks" = 443
      "PostgreSQL, encrypted by TLS"    = var.database_port
    },
    var.smtp_port == null ? {} : { "Mail, encrypted by TLS" = var.smtp_port },
  )
}
