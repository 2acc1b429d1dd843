from hfdeploy_proxy.cli import main

main(prog_name="hfdeploy-proxy")
