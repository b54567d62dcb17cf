# The smallest job that shows that a rack works: one line of output, then it ends.
#
#   roost job run jobs/hello.nomad.hcl
#   roost job logs hello
#
# It needs nothing but the node itself: no registry, no artifact, no network.

variable "greeting" {
  # Given by: roost job run --var greeting=moin jobs/hello.nomad.hcl
  type        = string
  default     = "hello"
  description = "The word to greet with"
}

job "hello" {
  # Runs once and ends; a service would be started again for ever.
  type = "batch"

  # Whatever the rack's datacenter is called.
  datacenters = ["*"]

  group "hello" {
    count = 1

    # A greeting that fails is a finding, not something to try until it works.
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }

    # In MiB; room for the logs below and little else. A live machine keeps this in memory.
    ephemeral_disk {
      size = 20
    }

    task "greet" {
      # exec: an ordinary program of the node, as the user nobody, in a root of its own with limits on memory and
      # processor. Rejected: raw_exec, which runs as root without any of that and is off on Roost's nodes, and docker,
      # which needs an image from a registry that a rack without a way out cannot reach.
      driver = "exec"

      config {
        command = "/bin/sh"
        args    = ["-c", "echo \"$GREETING from $NODE\""]
      }

      # Through the environment, so that no value is ever read as shell.
      env {
        GREETING = var.greeting
        NODE     = "${node.unique.name}"
      }

      # In MHz and MiB. A shell needs a fraction; Nomad's smallest memory is 10.
      resources {
        cpu    = 20
        memory = 20
      }

      # In MB; the usual 100 would have to fit into the disk above.
      logs {
        max_files     = 1
        max_file_size = 2
      }
    }
  }
}
