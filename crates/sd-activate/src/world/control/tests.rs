//! Who is answered, and who is not.

use std::net::Shutdown;
use std::path::Path;

use sdlite_test_support::scratch;

use super::*;
use crate::engine::JobResult;

/// A control socket, and what it needs. Its clients come one after the other, and so each is the first.
struct Trial {
    control: Control,
    poll: Poll,
    log: Ring,
}

impl Trial {
    fn new(directory: &Path) -> Self {
        let control = Control::open(&directory.join("control")).expect("a control socket");
        Self { control, poll: Poll::new().expect("epoll"), log: Ring::new(0) }
    }

    fn come(&mut self) -> UnixStream {
        let stream = UnixStream::connect(&self.control.path).expect("a connection");
        stream.set_nonblocking(true).expect("a stream that does not block");
        self.control.accept(Instant::now(), &self.poll);
        stream
    }

    fn go_on(&mut self) -> Option<(Call, Request)> {
        self.control.go_on(0, false, &self.log, &self.poll)
    }

    /// The client asks for a job.
    fn ask(&mut self, client: &mut UnixStream, method: &str, no_block: bool) -> RequestId {
        let parameters = [("name".to_owned(), "a.service".into()), ("noBlock".to_owned(), no_block.into())];
        let method = format!("{INTERFACE}.{method}");
        let call = Call { method, parameters: parameters.into_iter().collect(), more: false, oneway: false };
        client.write_all(&call.message()).expect("a call");
        assert!(matches!(self.go_on(), Some((_, Request::Do { .. }))));
        let request = self.control.request_of(0, "a.service", no_block);
        assert!(self.go_on().is_none());
        request
    }

    /// A job has ended: what the client is told.
    fn end(&mut self, client: &mut UnixStream, request: RequestId, result: JobResult) -> Option<String> {
        self.control.answer(request, Answer::Ended(result));
        assert!(self.go_on().is_none());
        told(client)
    }
}

/// What a client is told, if anything.
fn told(client: &mut UnixStream) -> Option<String> {
    let mut bytes = [0; 4096];
    let length = client.read(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

#[test]
fn who_waits_for_a_job_is_told_how_it_ends() {
    let directory = scratch();
    let mut trial = Trial::new(directory.path());
    let mut client = trial.come();
    let request = trial.ask(&mut client, "StopUnit", false);
    assert_eq!(told(&mut client), None);
    let told = trial.end(&mut client, request, JobResult::Done);
    assert_eq!(told.as_deref(), Some("{\"parameters\":{\"result\":\"done\"}}\0"));
    assert_eq!(trial.end(&mut client, request, JobResult::Done), None, "once");
}

#[test]
fn the_end_of_a_job_that_nobody_waits_for_is_told_to_no_other_that_waits() {
    let directory = scratch();
    let mut trial = Trial::new(directory.path());
    let mut client = trial.come();
    let started = trial.ask(&mut client, "StartUnit", true);
    assert_eq!(told(&mut client).as_deref(), Some("{\"parameters\":{}}\0"), "that there is one");
    // The same client asks for something else, or another has its place.
    let stopped = trial.ask(&mut client, "StopUnit", false);
    assert_eq!(trial.end(&mut client, started, JobResult::Canceled), None);
    assert!(trial.end(&mut client, stopped, JobResult::Done).is_some_and(|told| told.contains("done")));

    let started = trial.ask(&mut client, "StartUnit", true);
    // A process that another test has just started may still have a copy of it.
    client.shutdown(Shutdown::Both).expect("its end");
    assert!(trial.go_on().is_none());
    let mut other = trial.come();
    let stopped = trial.ask(&mut other, "StopUnit", false);
    assert_eq!(trial.end(&mut other, started, JobResult::Canceled), None);
    assert!(trial.end(&mut other, stopped, JobResult::Done).is_some_and(|told| told.contains("done")));
}
