//! The watcher against real agents: what it shows is what they say, in good times and after bad ones.

mod faults;
mod life;
mod recorded;
mod scene;
