//! Writes the clients that are made of our OpenAPI documents: `make generate`.

#![expect(clippy::print_stdout, reason = "what it wrote is what its caller wants to know")]

fn main() -> anyhow::Result<()> {
    for api in generate::APIS {
        println!("{}", generate::write(&generate::root(), api)?.display());
    }
    Ok(())
}
