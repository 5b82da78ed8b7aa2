# The same image as aws-ebs.json makes, for those who extend it in HCL.

variable "aws_region" { type = string }
variable "aws_instance_type" { type = string }
variable "aws_source_ami" { type = string }
variable "aws_target_ami" { type = string }
variable "configDir" { type = string }

variable "aws_subnet_id" {
  type    = string
  default = ""
}
variable "aws_vpc_id" {
  type    = string
  default = ""
}
variable "aws_associate_public_ip_address" {
  type    = bool
  default = false
}
variable "aws_ena_support" {
  type    = bool
  default = false
}
variable "aws_spot_price" {
  type    = string
  default = ""
}
variable "aws_spot_price_auto_product" {
  type    = string
  default = ""
}
variable "aws_endpoint" {
  type    = string
  default = ""
}
variable "aws_skip_metadata_api_check" {
  type    = bool
  default = false
}
variable "aws_ssh_username" {
  type    = string
  default = ""
}
variable "ssh_host" {
  type    = string
  default = ""
}
variable "ssh_port" {
  type    = number
  default = 22
}
variable "ssh_interface" {
  type    = string
  default = ""
}
variable "ssh_private_key_file" {
  type    = string
  default = ""
}
variable "ssh_timeout" {
  type    = string
  default = "5m"
}
variable "appversion" {
  type    = string
  default = ""
}
variable "build_host" {
  type    = string
  default = ""
}
variable "build_info_url" {
  type    = string
  default = ""
}
variable "gennaker_operation" {
  type    = string
  default = ""
}
variable "repository" {
  type    = string
  default = ""
}
variable "package_type" {
  type    = string
  default = "deb"
}
variable "packages" {
  type    = string
  default = ""
}
variable "upgrade" {
  type    = string
  default = ""
}

source "amazon-ebs" "image" {
  region                      = var.aws_region
  custom_endpoint_ec2         = var.aws_endpoint
  skip_region_validation      = true
  skip_metadata_api_check     = var.aws_skip_metadata_api_check
  subnet_id                   = var.aws_subnet_id
  vpc_id                      = var.aws_vpc_id
  associate_public_ip_address = var.aws_associate_public_ip_address
  ena_support                 = var.aws_ena_support
  spot_price                  = var.aws_spot_price
  spot_price_auto_product     = var.aws_spot_price_auto_product
  source_ami                  = var.aws_source_ami
  instance_type               = var.aws_instance_type
  ami_name                    = var.aws_target_ami
  ssh_username                = var.aws_ssh_username
  ssh_host                    = var.ssh_host
  ssh_port                    = var.ssh_port
  ssh_interface               = var.ssh_interface
  ssh_private_key_file        = var.ssh_private_key_file
  ssh_timeout                 = var.ssh_timeout
  run_tags = {
    Packages             = var.packages
    "gennaker:operation" = var.gennaker_operation
  }
  run_volume_tags = {
    "gennaker:operation" = var.gennaker_operation
  }
  tags = {
    appversion     = var.appversion
    build_host     = var.build_host
    build_info_url = var.build_info_url
  }
}

build {
  sources = ["source.amazon-ebs.image"]

  provisioner "shell" {
    script = "${var.configDir}/install_packages.sh"
    environment_vars = [
      "repository=${var.repository}",
      "package_type=${var.package_type}",
      "packages=${var.packages}",
      "upgrade=${var.upgrade}",
    ]
  }
}
