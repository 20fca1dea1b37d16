//! dcmqrscp: a DICOM archive. It stores objects, and finds and returns them.
#![deny(unsafe_code)]

mod options;

fn main() -> std::process::ExitCode {
    match options::parse(std::env::args_os()) {
        options::Outcome::Run(config) => println!("{config:#?}"),
        options::Outcome::Stop { code, stdout, stderr } => {
            print!("{stdout}");
            eprint!("{stderr}");
            return std::process::ExitCode::from(code);
        }
    }
    std::process::ExitCode::SUCCESS
}
