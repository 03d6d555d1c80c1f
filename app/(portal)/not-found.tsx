import { NothingHere } from '../ui/nothing-here.tsx';

/** Within the frame: the dock and its terminals stay. */
export default NothingHere;
