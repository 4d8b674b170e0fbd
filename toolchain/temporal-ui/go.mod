module cldctl-iac.invalid/toolchain/temporal-ui

go 1.25.0

require github.com/temporalio/ui-server/v2 v2.42.1
