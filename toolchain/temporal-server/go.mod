module cldctl-iac.invalid/toolchain/temporal-server

go 1.25.0

require go.temporal.io/server v1.29.1
