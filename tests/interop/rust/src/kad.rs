//! A node of the DHT that does what lines on stdin ask for.
//!
//!     peer kad [options]
//!
//! ../../README.md has the lines and their answers.
use std::io::{self, BufRead, Write};
use std::time::Duration;

use futures::channel::mpsc::{self, UnboundedReceiver};
use futures::StreamExt;
use libp2p::kad::store::MemoryStore;
use libp2p::kad::{
    Behaviour, Config, Event, GetClosestPeersError, GetProvidersOk,
    GetRecordError, GetRecordOk, Mode, PeerInfo, QueryId, QueryResult, Quorum,
    Record,
};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{DialError, Swarm, SwarmEvent};
use libp2p::{identify, Multiaddr, PeerId, StreamProtocol};

use crate::{text, BehaviourEvent, Options};

/// For a command, and for a peer to get into the table.
const LIMIT: Duration = Duration::from_secs(30);
const TABLE_LIMIT: Duration = Duration::from_secs(10);

type Answer = Result<Vec<String>, String>;

/// Whatever the namespace, records are stored as they come.
pub fn behaviour(
    o: &Options,
    id: PeerId,
) -> Result<Behaviour<MemoryStore>, String> {
    let mode = match o.mode.as_str() {
        "server" => Mode::Server,
        "client" => Mode::Client,
        m => return Err(format!("unknown mode {m}")),
    };
    let protocol =
        StreamProtocol::try_from_owned(o.protocol.clone()).map_err(text)?;
    let mut config = Config::new(protocol);
    config.set_query_timeout(LIMIT);
    let mut kad = Behaviour::with_config(id, MemoryStore::new(id), config);
    kad.set_mode(Some(mode));
    Ok(kad)
}

struct Node {
    swarm: Swarm<crate::Behaviour>,
    protocol: String,
}

impl Node {
    fn kad(&mut self) -> &mut Behaviour<MemoryStore> {
        self.swarm.behaviour_mut().kad.as_mut().expect("a DHT")
    }

    /// The next event.  Who dialed us is routable only when identify tells
    /// where it listens; what we provide is at our external addresses.
    async fn next(&mut self) -> SwarmEvent<BehaviourEvent> {
        let event = self.swarm.select_next_some().await;
        match &event {
            SwarmEvent::NewListenAddr { address, .. } => {
                self.swarm.add_external_address(address.clone());
            }
            SwarmEvent::Behaviour(BehaviourEvent::Identify(
                identify::Event::Received { peer_id, info, .. },
            )) if info
                .protocols
                .iter()
                .any(|p| *p == self.protocol.as_str()) =>
            {
                for address in &info.listen_addrs {
                    self.kad().add_address(peer_id, address.clone());
                }
            }
            _ => {}
        }
        event
    }

    /// Calls `each` for all results of a query.
    async fn query(
        &mut self,
        query: QueryId,
        mut each: impl FnMut(QueryResult) -> Result<(), String>,
    ) -> Result<(), String> {
        loop {
            if let SwarmEvent::Behaviour(BehaviourEvent::Kad(
                Event::OutboundQueryProgressed {
                    id, result, step, ..
                },
            )) = self.next().await
            {
                if id == query {
                    each(result)?;
                    if step.last {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn table(&mut self) -> Vec<PeerId> {
        self.kad()
            .kbuckets()
            .flat_map(|bucket| {
                bucket
                    .iter()
                    .map(|entry| *entry.node.key.preimage())
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    async fn connect(&mut self, address: &str) -> Answer {
        let address: Multiaddr = address.parse().map_err(text)?;
        let Some(Protocol::P2p(peer)) = address.iter().last() else {
            return Err("no peer id in the address".into());
        };
        let there = DialOpts::peer_id(peer).addresses(vec![address]).build();
        match self.swarm.dial(there) {
            Ok(()) | Err(DialError::DialPeerConditionFalse(_)) => {}
            Err(e) => return Err(e.to_string()),
        }
        let in_table = async {
            while !self.table().contains(&peer) {
                match self.next().await {
                    SwarmEvent::OutgoingConnectionError {
                        peer_id: Some(id),
                        error,
                        ..
                    } if id == peer => return Err(error.to_string()),
                    _ => {}
                }
            }
            Ok(vec!["ok".into()])
        };
        tokio::time::timeout(TABLE_LIMIT, in_table)
            .await
            .unwrap_or(Err("not in table".into()))
    }

    async fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> Answer {
        let record = Record::new(key, value);
        let id = self.kad().put_record(record, Quorum::One).map_err(text)?;
        self.query(id, |result| match result {
            QueryResult::PutRecord(Err(e)) => Err(e.to_string()),
            _ => Ok(()),
        })
        .await?;
        Ok(vec!["ok".into()])
    }

    async fn get(&mut self, key: Vec<u8>) -> Answer {
        let id = self.kad().get_record(key.into());
        let mut found = None;
        self.query(id, |result| match result {
            QueryResult::GetRecord(Ok(GetRecordOk::FoundRecord(r))) => {
                found.get_or_insert(r.record.value);
                Ok(())
            }
            QueryResult::GetRecord(Err(e @ GetRecordError::Timeout { .. })) => {
                Err(e.to_string())
            }
            _ => Ok(()),
        })
        .await?;
        Ok(vec![match found {
            Some(value) => format!("value {}", hex(&value)),
            None => "none".into(),
        }])
    }

    async fn provide(&mut self, key: Vec<u8>) -> Answer {
        let id = self.kad().start_providing(key.into()).map_err(text)?;
        self.query(id, |result| match result {
            QueryResult::StartProviding(Err(e)) => Err(e.to_string()),
            _ => Ok(()),
        })
        .await?;
        Ok(vec!["ok".into()])
    }

    async fn providers(&mut self, key: Vec<u8>) -> Answer {
        let id = self.kad().get_providers(key.into());
        let mut found = Vec::new();
        self.query(id, |result| match result {
            QueryResult::GetProviders(Ok(GetProvidersOk::FoundProviders {
                providers,
                ..
            })) => {
                found.extend(providers);
                Ok(())
            }
            QueryResult::GetProviders(Err(e)) => Err(e.to_string()),
            _ => Ok(()),
        })
        .await?;
        Ok(each("provider", found))
    }

    /// Those that answered, the closest first.
    async fn lookup(&mut self, key: Vec<u8>) -> Result<Vec<PeerInfo>, String> {
        let id = self.kad().get_closest_peers(key);
        let mut found = Vec::new();
        self.query(id, |result| match result {
            QueryResult::GetClosestPeers(Ok(ok)) => {
                found = ok.peers;
                Ok(())
            }
            QueryResult::GetClosestPeers(Err(
                e @ GetClosestPeersError::Timeout { .. },
            )) => Err(e.to_string()),
            _ => Ok(()),
        })
        .await?;
        Ok(found)
    }

    /// There is no such query: the peer is looked for among those closest to
    /// its id, which it is itself if it answers.  The last who named it may
    /// have told no addresses; the table has some.
    async fn find_peer(&mut self, id: &str) -> Answer {
        let id: PeerId = id.parse().map_err(text)?;
        let found = self.lookup(id.to_bytes()).await?;
        let Some(info) = found.into_iter().find(|info| info.peer_id == id)
        else {
            return Ok(vec!["none".into()]);
        };
        let mut addresses = info.addrs;
        if let (true, Some(bucket)) =
            (addresses.is_empty(), self.kad().kbucket(id))
        {
            for entry in bucket.iter() {
                if *entry.node.key.preimage() == id {
                    addresses.extend(entry.node.value.iter().cloned());
                }
            }
        }
        Ok(vec![addresses
            .iter()
            .fold(format!("peer {id}"), |line, a| {
                format!("{line} {a}")
            })])
    }

    async fn refresh(&mut self) -> Answer {
        if let Ok(id) = self.kad().bootstrap() {
            self.query(id, |result| match result {
                QueryResult::Bootstrap(Err(e)) => Err(e.to_string()),
                _ => Ok(()),
            })
            .await?;
        }
        Ok(vec!["ok".into()])
    }

    async fn answer(&mut self, words: &[&str]) -> Answer {
        match words {
            ["connect", address] => self.connect(address).await,
            ["put", key, value] => self.put(bytes(key)?, bytes(value)?).await,
            ["get", key] => self.get(bytes(key)?).await,
            ["provide", key] => self.provide(bytes(key)?).await,
            ["providers", key] => self.providers(bytes(key)?).await,
            ["find-peer", id] => self.find_peer(id).await,
            ["closest", key] => {
                let found = self.lookup(bytes(key)?).await?;
                Ok(each("peer", found.iter().map(|info| info.peer_id)))
            }
            ["table"] => Ok(each("peer", self.table())),
            ["refresh"] => self.refresh().await,
            ["ipns" | "ipns-check", ..] => {
                Err("impossible: libp2p-kad has no IPNS".into())
            }
            _ => Err("no such command".into()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    if hex.len() % 2 != 0 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err("not in hex".into());
    }
    (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).map_err(text))
        .collect()
}

fn each(word: &str, ids: impl IntoIterator<Item = PeerId>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for id in ids {
        let line = format!("{word} {id}");
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.push("end".into());
    lines
}

fn print(lines: &[String]) -> Result<(), String> {
    let mut out = io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}").map_err(text)?;
    }
    out.flush().map_err(text)
}

/// A thread reads; it ends with the process.
fn stdin() -> UnboundedReceiver<String> {
    let (send, lines) = mpsc::unbounded();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if send.unbounded_send(line).is_err() {
                break;
            }
        }
    });
    lines
}

pub async fn serve(
    swarm: Swarm<crate::Behaviour>,
    o: &Options,
) -> Result<(), String> {
    let mut node = Node {
        swarm,
        protocol: o.protocol.clone(),
    };
    node.swarm
        .listen_on(o.listen.parse::<Multiaddr>().map_err(text)?)
        .map_err(text)?;
    loop {
        match node.next().await {
            SwarmEvent::NewListenAddr { address, .. } => {
                let id = node.swarm.local_peer_id();
                print(&[format!("listening {address}/p2p/{id}")])?;
                break;
            }
            SwarmEvent::ListenerError { error, .. } => {
                return Err(error.to_string());
            }
            _ => {}
        }
    }
    print(&["ready".into()])?;
    let mut lines = stdin();
    loop {
        let line = tokio::select! {
            line = lines.next() => line,
            _ = node.next() => continue,
        };
        let Some(line) = line else { return Ok(()) };
        let words: Vec<_> = line.split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        if words == ["quit"] {
            return Ok(());
        }
        let answer = tokio::time::timeout(LIMIT, node.answer(&words))
            .await
            .unwrap_or(Err("timeout".into()));
        print(&answer.unwrap_or_else(|e| {
            vec![format!("error {}", e.replace(['\n', '\r'], " "))]
        }))?;
    }
}
