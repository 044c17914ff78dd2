# The secrets' places, not their values: a value in Terraform would lie readable in its state.
# The README says how to put them in.

resource "aws_secretsmanager_secret" "database" {
  #checkov:skip=CKV_AWS_149:AWS's own key encrypts for nothing; who may read the secret is said by the roles, and a key of one's own would be US$1 a month
  #checkov:skip=CKV2_AWS_57:The password is Neon's, which Secrets Manager cannot change; it is rotated by hand, see the README, and read anew without a restart
  name                    = "${var.name}/database"
  description             = "The database's URL, or JSON with NEON_DATABASE_URL and, if wanted, DAGSTER_POSTGRES_URL."
  recovery_window_in_days = var.protect_data ? 30 : 0
}

resource "aws_secretsmanager_secret" "alerts" {
  #checkov:skip=CKV_AWS_149:AWS's own key encrypts for nothing, and the execution role alone may read it
  #checkov:skip=CKV2_AWS_57:A webhook and a mail server's password are changed where they were made
  count = length(var.alert_secrets) > 0 ? 1 : 0

  name                    = "${var.name}/alerts"
  description             = "JSON with the keys ${join(" and ", sort(var.alert_secrets))}."
  recovery_window_in_days = var.protect_data ? 30 : 0
}
