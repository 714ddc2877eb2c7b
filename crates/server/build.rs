//! Pages that were built after the server find their way into it. What changes in them is noticed without this.

fn main() {
    let pages = "../../web/app/dist";
    // What is not there would be looked for in every build; where it will be, it is seen to appear.
    let watched = if std::fs::exists(pages).unwrap_or(true) { pages } else { "../../web/app" };
    println!("cargo::rerun-if-changed={watched}");
}
