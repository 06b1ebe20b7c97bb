//! The reference: nginx, which passes the same bytes to the same provider and does nothing else.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use super::child::{Process, free_address};

/// Starts nginx as a proxy of `upstream`, with everything it writes in `folder`.
pub(super) fn start(folder: &Path, upstream: SocketAddr) -> anyhow::Result<(Process, SocketAddr)> {
    let address = free_address()?;
    let config = folder.join("nginx.conf");
    fs::write(&config, configuration(folder, address, upstream, nix::unistd::geteuid().is_root()))?;
    let log = fs::File::create(folder.join("nginx.log"))?;
    let mut command = Command::new("nginx");
    command.arg("-c").arg(&config).arg("-p").arg(folder).arg("-e").arg(folder.join("nginx.log"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let process = Process::spawn(&mut command).context("nginx is the reference: apt install nginx-light")?;
    Ok((process, address))
}

/// What `nginx -v` says.
pub(crate) fn version() -> anyhow::Result<String> {
    let output = Command::new("nginx").arg("-v").output().context("apt install nginx-light")?;
    ensure!(output.status.success(), "`nginx -v` failed");
    Ok(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

fn configuration(folder: &Path, address: SocketAddr, upstream: SocketAddr, as_root: bool) -> String {
    let folder = folder.display();
    // Started by root, the workers would become a user who may not read the folder.
    let user = if as_root { "user root;" } else { "" };
    format!(
        "{user}
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    # Connections last as long as clients want, on both sides.
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
    # The long prompt stays in memory.
    client_max_body_size 64m;
    client_body_buffer_size 256k;
    upstream provider {{
        server {upstream};
        keepalive 1024;
        keepalive_requests 1000000000;
    }}
    server {{
        listen {address} backlog=4096;
        location / {{
            proxy_pass http://provider;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffering off;
            proxy_read_timeout 300s;
        }}
    }}
}}
"
    )
}
