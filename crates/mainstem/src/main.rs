//! TBD
fn main() { tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).init();
    let mut c = mainstem_broker::NodeConfig::for_tests("/tmp/lead/d1".into());
    c.port = 29092;
    let n = mainstem_broker::start(c).unwrap();
    println!("{:?}", n.report);
    loop { std::thread::park(); }
}
