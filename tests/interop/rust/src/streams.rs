//! Application streams: each one that comes in gets a task of its own, however
//! many come at once, and each one asked for is opened on the first connection.
use std::collections::VecDeque;
use std::future::{ready, Ready};
use std::task::{Context, Poll};

use futures::channel::{mpsc, oneshot};
use futures::StreamExt;
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo};
use libp2p::core::Endpoint;
use libp2p::swarm::handler::{
    ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound,
    FullyNegotiatedOutbound,
};
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId,
    FromSwarm, NetworkBehaviour, NotifyHandler, Stream, SubstreamProtocol,
    THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId, StreamProtocol};

pub type Serve = fn(StreamProtocol, Stream);
type Answer = oneshot::Sender<Result<Stream, String>>;

#[derive(Debug)]
pub struct Open(StreamProtocol, Answer);

/// What tests open streams with.
#[derive(Clone)]
pub struct Control(mpsc::UnboundedSender<Open>);

impl Control {
    pub async fn open(
        &self,
        protocol: StreamProtocol,
    ) -> Result<Stream, String> {
        let (answer, stream) = oneshot::channel();
        self.0
            .unbounded_send(Open(protocol, answer))
            .map_err(|e| e.to_string())?;
        stream
            .await
            .map_err(|_| "the connection is gone".to_string())?
    }
}

pub struct Behaviour {
    protocols: Vec<StreamProtocol>,
    serve: Serve,
    requests: mpsc::UnboundedReceiver<Open>,
    connected: Option<(PeerId, ConnectionId)>,
}

impl Behaviour {
    pub fn new(
        protocols: Vec<StreamProtocol>,
        serve: Serve,
    ) -> (Self, Control) {
        let (ask, requests) = mpsc::unbounded();
        let connected = None;
        (
            Behaviour {
                protocols,
                serve,
                requests,
                connected,
            },
            Control(ask),
        )
    }

    fn handler(&self) -> Handler {
        Handler {
            protocols: self.protocols.clone(),
            serve: self.serve,
            wanted: VecDeque::new(),
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = ();

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler())
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(e) => {
                self.connected = Some((e.peer_id, e.connection_id));
            }
            FromSwarm::ConnectionClosed(_) => self.connected = None,
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        while let Poll::Ready(Some(open)) = self.requests.poll_next_unpin(cx) {
            if let Some((peer_id, connection)) = self.connected {
                return Poll::Ready(ToSwarm::NotifyHandler {
                    peer_id,
                    handler: NotifyHandler::One(connection),
                    event: open,
                });
            }
        }
        Poll::Pending
    }
}

pub struct Handler {
    protocols: Vec<StreamProtocol>,
    serve: Serve,
    wanted: VecDeque<Open>,
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Open;
    type ToBehaviour = std::convert::Infallible;
    type InboundProtocol = Protocols;
    type OutboundProtocol = Protocols;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Answer;

    fn listen_protocol(&self) -> SubstreamProtocol<Protocols, ()> {
        SubstreamProtocol::new(Protocols(self.protocols.clone()), ())
    }

    fn connection_keep_alive(&self) -> bool {
        true
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Protocols, Answer, Self::ToBehaviour>>
    {
        match self.wanted.pop_front() {
            Some(Open(protocol, answer)) => {
                Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                    protocol: SubstreamProtocol::new(
                        Protocols(vec![protocol]),
                        answer,
                    ),
                })
            }
            None => Poll::Pending,
        }
    }

    fn on_behaviour_event(&mut self, open: Open) {
        self.wanted.push_back(open);
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<Protocols, Protocols, (), Answer>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(
                FullyNegotiatedInbound {
                    protocol: (stream, protocol),
                    ..
                },
            ) => (self.serve)(protocol, stream),
            ConnectionEvent::FullyNegotiatedOutbound(
                FullyNegotiatedOutbound {
                    protocol: (stream, _),
                    info,
                },
            ) => {
                let _ = info.send(Ok(stream));
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError {
                info,
                error,
            }) => {
                let _ = info.send(Err(error.to_string()));
            }
            _ => {}
        }
    }
}

/// One of a list of protocols; the stream, and which one it was.
pub struct Protocols(Vec<StreamProtocol>);

impl UpgradeInfo for Protocols {
    type Info = StreamProtocol;
    type InfoIter = std::vec::IntoIter<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.clone().into_iter()
    }
}

impl InboundUpgrade<Stream> for Protocols {
    type Output = (Stream, StreamProtocol);
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Self::Output, Self::Error>>;

    fn upgrade_inbound(
        self,
        stream: Stream,
        info: StreamProtocol,
    ) -> Self::Future {
        ready(Ok((stream, info)))
    }
}

impl OutboundUpgrade<Stream> for Protocols {
    type Output = (Stream, StreamProtocol);
    type Error = std::convert::Infallible;
    type Future = Ready<Result<Self::Output, Self::Error>>;

    fn upgrade_outbound(
        self,
        stream: Stream,
        info: StreamProtocol,
    ) -> Self::Future {
        ready(Ok((stream, info)))
    }
}
