# A service as others should look: a port that Nomad chooses, a check, a name in Consul, updates that undo themselves.
#
#   roost job run jobs/web.nomad.hcl
#   roost job show web
#
# Whoever looks for `web` in Consul finds its address; nothing is configured anywhere. Each instance answers with a page
# that says which one it is. Python stands on every node, since Ansible needs it: no registry and no artifact is needed.

variable "instances" {
  type        = number
  default     = 1
  description = "How many instances; they spread over the nodes by themselves"
}

job "web" {
  # Kept running: started again when it ends, and elsewhere when its node is lost.
  type = "service"

  # Whatever the rack's datacenter is called.
  datacenters = ["*"]

  # One at a time, and only once the one before passes its check.
  update {
    max_parallel = 1
    health_check = "checks"

    # Passing for so long before the next is touched.
    min_healthy_time = "5s"

    # Old machines take their time to start a program for the first time.
    healthy_deadline  = "3m"
    progress_deadline = "5m"

    # A version that does not become healthy gives way to the last one that was.
    auto_revert = true
  }

  group "web" {
    count = var.instances

    # A crash is answered on the spot a few times; then another node has its turn.
    restart {
      attempts = 3
      interval = "5m"
      delay    = "5s"
      mode     = "fail"
    }

    # In MiB; room for the page and the logs below. A live machine keeps this in memory.
    ephemeral_disk {
      size = 30
    }

    network {
      # The node's own network: its address is the one that others reach, and no plugin is needed.
      mode = "host"

      # Nomad chooses a free one, so any number of instances fit on a node.
      port "http" {}
    }

    service {
      name = "web"
      port = "http"
      tags = ["http"]

      # In Consul, where everybody looks. With access control on, the instance registers as itself: the servers give
      # each service an identity that Consul knows by its signature (their `service_identity`), so this job names no
      # token, and a node may register nothing in its place.
      provider = "consul"

      check {
        name     = "it answers"
        type     = "http"
        path     = "/"
        interval = "5s"
        timeout  = "2s"

        # One that is stuck is restarted after three failures in a row, not before it had time to start.
        check_restart {
          limit = 3
          grace = "60s"
        }
      }
    }

    task "server" {
      # exec, for the reasons that hello.nomad.hcl gives.
      driver = "exec"

      config {
        command = "/usr/bin/python3"

        # Bound to the address that is registered, not to every one that the node has.
        args = [
          "-m", "http.server",
          "--directory", "local/www",
          "--bind", "${NOMAD_IP_http}",
          "${NOMAD_PORT_http}",
        ]
      }

      # Python tells what it logs at once, not when a buffer is full.
      env {
        PYTHONUNBUFFERED = "1"
      }

      # Made anew for each instance; it holds no secret, so it may lie where it is served from.
      template {
        destination = "local/www/index.html"
        data        = <<-PAGE
          web on {{ env "node.unique.name" }}, allocation {{ env "NOMAD_ALLOC_ID" }}
        PAGE
      }

      # In MHz and MiB: what it takes, and a little more. A bound on memory keeps a leak its own problem.
      resources {
        cpu    = 50
        memory = 64
      }

      # In MB; the usual 100 would have to fit into the disk above.
      logs {
        max_files     = 2
        max_file_size = 5
      }
    }
  }
}
