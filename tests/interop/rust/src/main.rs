//! peer: rust-libp2p as the other end of the interoperability tests.
//!
//!     peer listen [options]
//!     peer dial [options] MADDR TEST[,TEST...] [ARGS]
//!     peer kad [options]      see kad.rs
//!
//! What happens is one JSON object a line on stdout; ../README.md has the list.
mod kad;
mod streams;

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use futures::{
    future, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt,
};
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::{Boxed, Transport};
use libp2p::core::upgrade::Version;
use libp2p::core::ConnectedPoint;
use libp2p::identity::Keypair;
use libp2p::kad::store::MemoryStore;
use libp2p::pnet::{PnetConfig, PreSharedKey};
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::swarm::{
    Config, ConnectionId, NetworkBehaviour, Stream, Swarm, SwarmEvent,
};
use libp2p::{
    identify, noise, ping, tcp, tls, yamux, Multiaddr, PeerId, StreamProtocol,
};
use serde_json::{json, Value};
use streams::Control;

const AGENT: &str = "interop-rust/0.57.1";
const ECHO: StreamProtocol = StreamProtocol::new("/echo/1.0.0");
const PERF: StreamProtocol = StreamProtocol::new("/perf/1.0.0");
const RESET: StreamProtocol = StreamProtocol::new("/test/reset/1.0.0");
const TESTS: [&str; 5] = ["ping", "identify", "echo", "perf", "reset"];
const BLOCK: usize = 64 * 1024;
const HOUR: Duration = Duration::from_secs(3600);

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    kad: Toggle<libp2p::kad::Behaviour<MemoryStore>>,
    ping: ping::Behaviour,
    streams: streams::Behaviour,
}

/// What the command line asks for.
struct Options {
    ip: String,
    security: String,
    muxer: String,
    key_type: String,
    key: Option<String>,
    pnet: Option<String>,
    protocol: String,
    mode: String,
    listen: String,
    words: Vec<String>,
}

fn options() -> Result<Options, String> {
    let mut o = Options {
        ip: "127.0.0.1".into(),
        security: "tls".into(),
        muxer: "yamux".into(),
        key_type: "ed25519".into(),
        key: None,
        pnet: None,
        protocol: "/p2pc/kad/1.0.0".into(),
        mode: "server".into(),
        listen: "/ip4/127.0.0.1/tcp/0".into(),
        words: Vec::new(),
    };
    let mut args = std::env::args().skip(1);
    while let Some(a) = args.next() {
        let Some(name) = a.strip_prefix("--") else {
            o.words.push(a);
            continue;
        };
        let value = args.next().ok_or(format!("{a}: no value"))?;
        match name {
            "ip" => o.ip = value,
            "security" => o.security = value,
            "muxer" => o.muxer = value,
            "key-type" => o.key_type = value,
            "key" => o.key = Some(value),
            "pnet" => o.pnet = Some(value),
            "protocol" => o.protocol = value,
            "mode" => o.mode = value,
            "listen" => o.listen = value,
            "namespace" => {} // it looks into no records
            _ => return Err(format!("unknown option {a}")),
        }
    }
    Ok(o)
}

fn text(e: impl std::fmt::Display) -> String {
    e.to_string()
}

/// RSA keys it can only read: --key is one in PKCS#8.
fn identity(o: &Options) -> Result<Keypair, String> {
    match (o.key_type.as_str(), &o.key) {
        ("ed25519", _) => Ok(Keypair::generate_ed25519()),
        ("secp256k1", _) => Ok(Keypair::generate_secp256k1()),
        ("ecdsa", _) => Ok(Keypair::generate_ecdsa()),
        ("rsa", Some(file)) => {
            let mut der = std::fs::read(file).map_err(text)?;
            Keypair::rsa_from_pkcs8(&mut der).map_err(text)
        }
        _ => Err(format!("no {} key", o.key_type)),
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}
type Socket = Box<dyn Io>;

/// The one security and the one muxer that are asked for, nothing else.
fn transport(
    o: &Options,
    key: &Keypair,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, String> {
    let psk = match &o.pnet {
        Some(file) => {
            let content = std::fs::read_to_string(file).map_err(text)?;
            Some(content.parse::<PreSharedKey>().map_err(text)?)
        }
        None => None,
    };
    let sockets =
        tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
            .and_then(move |socket, _| async move {
                Ok::<Socket, io::Error>(match psk {
                    Some(key) => Box::new(
                        PnetConfig::new(key)
                            .handshake(socket)
                            .await
                            .map_err(io::Error::other)?,
                    ),
                    None => Box::new(socket),
                })
            });
    macro_rules! stack {
        ($security:expr, $muxer:expr) => {
            sockets
                .upgrade(Version::V1Lazy)
                .authenticate($security)
                .multiplex($muxer)
                .timeout(Duration::from_secs(10))
                .boxed()
        };
    }
    let with_tls = || tls::Config::new(key).map_err(text);
    let with_noise = || noise::Config::new(key).map_err(text);
    let yamux = yamux::Config::default();
    let mplex = libp2p_mplex::Config::default();
    Ok(match (o.security.as_str(), o.muxer.as_str()) {
        ("tls", "yamux") => stack!(with_tls()?, yamux),
        ("tls", "mplex") => stack!(with_tls()?, mplex),
        ("noise", "yamux") => stack!(with_noise()?, yamux),
        ("noise", "mplex") => stack!(with_noise()?, mplex),
        (s, m) => return Err(format!("unknown security {s} or muxer {m}")),
    })
}

fn node(o: &Options) -> Result<(Swarm<Behaviour>, Control), String> {
    let key = identity(o)?;
    let listening = o.words[0] == "listen";
    let served = if listening {
        vec![ECHO, PERF, RESET]
    } else {
        Vec::new()
    };
    let (streams, control) = streams::Behaviour::new(served, serve);
    // A test's pings come one after another.
    let pings = if o.words.get(2).is_some_and(|tests| tests.contains("ping")) {
        ping::Config::new().with_interval(Duration::from_millis(1))
    } else {
        ping::Config::new()
    };
    let id = key.public().to_peer_id();
    // js refuses the domain of the signed record, and so all of identify.
    let version = String::from("ipfs/0.1.0");
    let (kad, identity) = match o.words[0].as_str() {
        "kad" => (
            Some(kad::behaviour(o, id)?),
            identify::Config::new(version, key.public()),
        ),
        _ => (
            None,
            identify::Config::new_with_signed_peer_record(version, &key),
        ),
    };
    let behaviour = Behaviour {
        identify: identify::Behaviour::new(
            identity.with_agent_version(AGENT.into()),
        ),
        kad: kad.into(),
        ping: ping::Behaviour::new(pings),
        streams,
    };
    let swarm = Swarm::new(
        transport(o, &key)?,
        behaviour,
        id,
        Config::with_tokio_executor().with_idle_connection_timeout(HOUR),
    );
    Ok((swarm, control))
}

fn say(o: Value) {
    use std::io::Write;
    let mut out = io::stdout().lock();
    if writeln!(out, "{o}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

/// Pseudo-random content, the same for the same seed.
struct Pattern(u64);

impl Pattern {
    fn new(seed: u64) -> Self {
        Pattern(seed.wrapping_mul(2685821657736338717) ^ 88172645463325252)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            part.copy_from_slice(&self.0.to_le_bytes()[..part.len()]);
        }
    }
}

/// Writes n bytes of the pattern (of zeros, if None), and ends.
async fn send(
    mut w: impl AsyncWrite + Unpin,
    mut n: u64,
    mut pattern: Option<Pattern>,
) -> io::Result<()> {
    let mut buf = vec![0; BLOCK];
    while n > 0 {
        let len = n.min(BLOCK as u64) as usize;
        if let Some(p) = &mut pattern {
            p.fill(&mut buf[..len]);
        }
        w.write_all(&buf[..len]).await?;
        n -= len as u64;
    }
    w.close().await
}

/// Compares what comes with the pattern, to the end.
async fn receive(
    mut r: impl AsyncRead + Unpin,
    n: u64,
    mut pattern: Option<Pattern>,
) -> io::Result<()> {
    let (mut buf, mut want) = (vec![0; BLOCK], vec![0; BLOCK]);
    let mut got = 0;
    while got < n {
        let len = (n - got).min(BLOCK as u64) as usize;
        let b = &mut buf[..len];
        r.read_exact(b).await.map_err(|e| {
            io::Error::new(e.kind(), format!("after {got} bytes: {e}"))
        })?;
        if let Some(p) = &mut pattern {
            p.fill(&mut want[..len]);
            if b != &want[..len] {
                return Err(io::Error::other(format!(
                    "other bytes after {got}"
                )));
            }
        }
        got += len as u64;
    }
    match r.read(&mut buf).await? {
        0 => Ok(()),
        more => Err(io::Error::other(format!("{more} bytes too many"))),
    }
}

/// A stream that is dropped before it was closed is reset.
fn serve(protocol: StreamProtocol, stream: Stream) {
    tokio::spawn(async move {
        if protocol == ECHO {
            serve_echo(stream).await
        } else if protocol == PERF {
            serve_perf(stream).await
        } else {
            serve_reset(stream).await
        }
    });
}

async fn serve_echo(stream: Stream) -> io::Result<()> {
    let (mut r, mut w) = stream.split();
    let mut buf = vec![0; BLOCK];
    loop {
        let len = r.read(&mut buf).await?;
        if len == 0 {
            return w.close().await;
        }
        w.write_all(&buf[..len]).await?;
        w.flush().await?;
    }
}

async fn serve_perf(stream: Stream) -> io::Result<()> {
    let (mut r, w) = stream.split();
    let mut head = [0; 8];
    r.read_exact(&mut head).await?;
    futures::io::copy(&mut r, &mut futures::io::sink()).await?;
    send(w, u64::from_be_bytes(head), None).await
}

async fn serve_reset(mut stream: Stream) -> io::Result<()> {
    stream.read_exact(&mut [0]).await
}

fn identified(
    peer: PeerId,
    info: identify::Info,
    endpoint: Option<&ConnectedPoint>,
    o: &Options,
) -> Value {
    let (remote, local) = match endpoint {
        Some(ConnectedPoint::Listener {
            local_addr,
            send_back_addr,
        }) => (
            Some(send_back_addr.to_string()),
            Some(local_addr.to_string()),
        ),
        Some(ConnectedPoint::Dialer { address, .. }) => {
            (Some(address.to_string()), None)
        }
        None => (None, None),
    };
    json!({
        "event": "peer",
        "peerId": peer.to_string(),
        "agentVersion": info.agent_version,
        "protocolVersion": info.protocol_version,
        "protocols": info.protocols.iter().map(text).collect::<Vec<_>>(),
        "listenAddresses":
            info.listen_addrs.iter().map(text).collect::<Vec<_>>(),
        "observedAddress": info.observed_addr.to_string(),
        "signedRecord": info.signed_peer_record.is_some(),
        "remoteAddress": remote,
        "localAddress": local,
        // There was no other on offer.
        "security": o.security,
        "muxer": o.muxer,
    })
}

/// What swarm events a test waits for.
#[derive(Default)]
struct Seen {
    endpoints: HashMap<ConnectionId, ConnectedPoint>,
    pings: Vec<f64>,
    peer: Option<Value>,
}

impl Seen {
    fn event(
        &mut self,
        event: SwarmEvent<BehaviourEvent>,
        o: &Options,
    ) -> Result<(), String> {
        match event {
            SwarmEvent::ConnectionEstablished {
                connection_id,
                endpoint,
                ..
            } => {
                self.endpoints.insert(connection_id, endpoint);
            }
            SwarmEvent::ConnectionClosed {
                connection_id,
                cause,
                ..
            } => {
                self.endpoints.remove(&connection_id);
                return Err(cause.map_or("closed".into(), text));
            }
            SwarmEvent::OutgoingConnectionError { error, .. } => {
                return Err(error.to_string());
            }
            SwarmEvent::IncomingConnectionError { error, .. } => {
                return Err(error.to_string());
            }
            SwarmEvent::Behaviour(BehaviourEvent::Identify(
                identify::Event::Received {
                    connection_id,
                    peer_id,
                    info,
                },
            )) => {
                let endpoint = self.endpoints.get(&connection_id);
                self.peer = Some(identified(peer_id, info, endpoint, o));
            }
            SwarmEvent::Behaviour(BehaviourEvent::Ping(e)) => {
                self.pings.push(e.result.map_err(text)?.as_secs_f64());
            }
            _ => {}
        }
        Ok(())
    }
}

async fn listen(
    mut swarm: Swarm<Behaviour>,
    o: &Options,
) -> Result<(), String> {
    let family = if o.ip.contains(':') { "ip6" } else { "ip4" };
    let address: Multiaddr =
        format!("/{family}/{}/tcp/0", o.ip).parse().map_err(text)?;
    swarm.listen_on(address).map_err(text)?;
    let id = *swarm.local_peer_id();
    let mut seen = Seen::default();
    use tokio::signal::unix::{signal, SignalKind};
    let mut term = signal(SignalKind::terminate()).map_err(text)?;
    let mut int = signal(SignalKind::interrupt()).map_err(text)?;
    loop {
        let event = tokio::select! {
            event = swarm.select_next_some() => event,
            _ = term.recv() => return Ok(()),
            _ = int.recv() => return Ok(()),
        };
        if let SwarmEvent::NewListenAddr { address, .. } = &event {
            say(json!({
                "event": "listening",
                "address": format!("{address}/p2p/{id}"),
            }));
        }
        if let Err(e) = seen.event(event, o) {
            eprintln!("peer: {e}");
        }
        if let Some(peer) = seen.peer.take() {
            say(peer);
        }
    }
}

async fn echo_one(control: &Control, n: u64, seed: u64) -> Result<(), String> {
    let (r, w) = control.open(ECHO).await?.split();
    future::try_join(
        send(w, n, Some(Pattern::new(seed))),
        receive(r, n, Some(Pattern::new(seed))),
    )
    .await
    .map(|_| ())
    .map_err(text)
}

async fn echo(control: Control, n: u64, streams: u64) -> Result<Value, String> {
    future::try_join_all((0..streams).map(|i| echo_one(&control, n, i)))
        .await?;
    Ok(json!({ "bytes": n, "streams": streams, "identical": true }))
}

async fn perf(control: Control, up: u64, down: u64) -> Result<Value, String> {
    let (r, mut w) = control.open(PERF).await?.split();
    let sent = async {
        w.write_all(&down.to_be_bytes()).await?;
        send(w, up, None).await
    };
    future::try_join(sent, receive(r, down, None))
        .await
        .map_err(text)?;
    Ok(json!({ "uploadBytes": up, "downloadBytes": down }))
}

/// An end of file is all that is to be seen over yamux.
async fn reset(control: Control) -> Result<Value, String> {
    let mut stream = control.open(RESET).await?;
    stream.write_all(&[1]).await.map_err(text)?;
    stream.flush().await.map_err(text)?;
    match stream.read(&mut [0]).await {
        Ok(_) => Err("no reset, but an end of file".into()),
        Err(e) => Ok(json!({ "seen": true, "error": e.to_string() })),
    }
}

/// Runs one test, on what has been seen so far.
async fn run_test(
    swarm: &mut Swarm<Behaviour>,
    seen: &mut Seen,
    control: &Control,
    o: &Options,
    test: &str,
) -> Result<Value, String> {
    let number = |i: usize| match o.words.get(i) {
        Some(word) => word.parse::<u64>().map_err(text),
        None => Ok(1),
    };
    let (a, b) = (number(3)?, number(4)?);
    let control = control.clone();
    let mut streams: Option<future::BoxFuture<Result<Value, String>>> =
        match test {
            "echo" => Some(Box::pin(echo(control, a, b))),
            "perf" => Some(Box::pin(perf(control, a, b))),
            "reset" => Some(Box::pin(reset(control))),
            _ => None,
        };
    loop {
        if test == "ping" && seen.pings.len() >= 5 {
            return Ok(json!({ "times": seen.pings }));
        }
        if test == "identify" {
            if let Some(peer) = seen.peer.take() {
                return Ok(peer);
            }
        }
        tokio::select! {
            event = swarm.select_next_some() => seen.event(event, o)?,
            result = async { streams.as_mut().unwrap().await },
                if streams.is_some() => return result,
        }
    }
}

/// Says the result of each test that passes, to the first that does not.
async fn dial(
    swarm: &mut Swarm<Behaviour>,
    control: Control,
    o: &Options,
) -> Result<(), String> {
    let address: Multiaddr = o.words[1].parse().map_err(text)?;
    let began = Instant::now();
    let mut seen = Seen::default();
    swarm.dial(address).map_err(text)?;
    while seen.endpoints.is_empty() {
        seen.event(swarm.select_next_some().await, o)?;
    }
    for test in o.words[2].split(',') {
        let mut out = run_test(swarm, &mut seen, &control, o, test).await?;
        let fields = out.as_object_mut().expect("an object");
        fields.entry("event").or_insert(json!(test));
        fields.insert("test".into(), json!(test));
        fields.insert("ok".into(), json!(true));
        fields.insert("self".into(), json!(swarm.local_peer_id().to_string()));
        fields.insert("time".into(), json!(began.elapsed().as_secs_f64()));
        say(out);
    }
    Ok(())
}

/// Says goodbye to the peer.
async fn close(mut swarm: Swarm<Behaviour>) {
    let peers: Vec<_> = swarm.connected_peers().copied().collect();
    for peer in peers {
        let _ = swarm.disconnect_peer_id(peer);
    }
    let gone = async {
        while swarm.network_info().num_peers() > 0 {
            swarm.select_next_some().await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), gone).await;
}

async fn run(o: Options) -> Result<i32, String> {
    let (mut swarm, control) = node(&o)?;
    if o.words[0] == "listen" {
        listen(swarm, &o).await?;
        return Ok(0);
    }
    if o.words[0] == "kad" {
        kad::serve(swarm, &o).await?;
        return Ok(0);
    }
    let mut status = 0;
    if let Err(message) = dial(&mut swarm, control, &o).await {
        say(json!({
            "event": "error",
            "test": o.words[2],
            "message": message,
        }));
        status = 1;
    }
    close(swarm).await;
    Ok(status)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let result = match options() {
        Ok(o) => {
            match o.words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["listen"] | ["kad"] => run(o).await,
                ["dial", _, tests, ..]
                    if tests.split(',').all(|test| TESTS.contains(&test)) =>
                {
                    run(o).await
                }
                _ => Err("usage: peer listen | peer kad | \
                peer dial MADDR TEST[,TEST...] [ARGS]"
                    .into()),
            }
        }
        Err(e) => Err(e),
    };
    std::process::exit(result.unwrap_or_else(|e| {
        eprintln!("peer: {e}");
        2
    }));
}
