// The Worker as it is deployed.
import "./clock";
export { default } from "worker/index";
